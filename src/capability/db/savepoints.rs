//! Which savepoints an app has set in its transaction.
//!
//! It may go back to these only: a deploy has savepoints of the host in the same transaction.

use super::DbError;
use crate::sql::Kind;

/// The savepoints of one transaction, the latest last. A name may stand there twice.
#[derive(Debug, Default)]
pub(super) struct Savepoints(Vec<String>);

impl Savepoints {
    /// Refuses a statement that names a savepoint which the app has not set.
    pub(super) fn admit(&self, kind: &Kind) -> Result<(), DbError> {
        match named(kind) {
            Some(name) if !self.0.contains(name) => Err(DbError::NoSavepoint(name.clone())),
            Some(_) | None => Ok(()),
        }
    }

    /// Notes what a statement has done that the server accepted.
    pub(super) fn follow(&mut self, kind: &Kind) {
        if let Kind::Savepoint(name) = kind {
            self.0.push(name.clone());
        }
        let Some(place) = named(kind).and_then(|name| self.0.iter().rposition(|own| own == name))
        else {
            return;
        };
        let stays = usize::from(matches!(kind, Kind::RollbackTo(_)));
        self.0.truncate(place + stays);
    }

    /// The transaction has ended, and its savepoints with it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// The savepoint that must be there already.
fn named(kind: &Kind) -> Option<&String> {
    match kind {
        Kind::Release(name) | Kind::RollbackTo(name) => Some(name),
        Kind::Select
        | Kind::Insert
        | Kind::Update
        | Kind::Delete
        | Kind::Merge
        | Kind::Truncate
        | Kind::Begin
        | Kind::Commit
        | Kind::Rollback
        | Kind::Savepoint(_)
        | Kind::Declare(_)
        | Kind::Fetch(_)
        | Kind::Move(_)
        | Kind::Close(_)
        | Kind::Ddl(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> Savepoints {
        let mut savepoints = Savepoints::default();
        for name in names {
            savepoints.follow(&Kind::Savepoint((*name).to_owned()));
        }
        savepoints
    }

    #[test]
    fn only_savepoints_of_the_app_can_be_gone_back_to() {
        let savepoints = set(&["a"]);

        assert!(savepoints.admit(&Kind::RollbackTo("a".to_owned())).is_ok());
        assert!(savepoints.admit(&Kind::Select).is_ok());
        for kind in [
            Kind::RollbackTo("skep_0".to_owned()),
            Kind::Release("b".to_owned()),
        ] {
            assert!(matches!(
                savepoints.admit(&kind),
                Err(DbError::NoSavepoint(_))
            ));
        }
    }

    #[test]
    fn going_back_ends_the_later_ones_and_releasing_ends_the_one_too() {
        let mut savepoints = set(&["a", "b", "a", "c"]);

        savepoints.follow(&Kind::RollbackTo("a".to_owned()));
        assert_eq!(savepoints.0, ["a", "b", "a"]);
        savepoints.follow(&Kind::Release("b".to_owned()));
        assert_eq!(savepoints.0, ["a"]);
        savepoints.clear();
        assert!(savepoints.admit(&Kind::Release("a".to_owned())).is_err());
    }
}
