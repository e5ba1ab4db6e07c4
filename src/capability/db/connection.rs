//! A connection as the guest holds it: when a transaction begins and ends.

use std::sync::Arc;

use super::DbError;
use super::jobs::QueuedJob;
use super::savepoints::Savepoints;
use super::session::{Database, Open, Statement, Transaction};
use crate::bindings::skep::app::db as wit;
use crate::sql::{Kind, Verdict};

/// A statement that fails in every transaction, and says why in the server's log.
const FAIL: &str = "ROLLBACK TO SAVEPOINT skep_refused_a_statement";

/// A session with the database, opened by its first statement.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub struct Connection {
    database: Database,
    mode: Mode,
    /// How its next transaction begins.
    begin: String,
    savepoints: Savepoints,
    id: u32,
    /// Set where the transaction cannot go on, until the guest ends it.
    broken: Option<Broken>,
}

/// Why a transaction cannot go on though the guest has not ended it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// A result was over a limit. As after an error of PostgreSQL's, nothing is kept.
    Aborted,
    /// The server went away, and the transaction with it.
    Lost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Each statement is a transaction of its own.
    Autocommit,
    /// The first statement begins a transaction.
    Transactional,
}

impl Connection {
    pub(crate) fn autocommit(database: Database) -> Self {
        Self::new(database, Mode::Autocommit)
    }

    pub(crate) fn transactional(database: Database) -> Self {
        Self::new(database, Mode::Transactional)
    }

    fn new(database: Database, mode: Mode) -> Self {
        let id = database.next_id();
        Self {
            database,
            mode,
            begin: "BEGIN".to_owned(),
            savepoints: Savepoints::default(),
            id,
            broken: None,
        }
    }

    /// Says what the next transactions are like.
    pub(crate) fn set_modes(&mut self, modes: wit::TransactionModes) {
        self.begin = begin_with(modes);
    }

    /// Runs one statement.
    pub(crate) async fn execute(
        &mut self,
        sql: &str,
        params: &[wit::Value],
    ) -> Result<wit::Outcome, DbError> {
        let verdict = match self.admit(sql).await {
            Ok(verdict) => verdict,
            Err(error) => {
                self.fail().await;
                return Err(error);
            }
        };
        // The host keeps transactions itself.
        let kind = verdict.kind();
        if matches!(kind, Kind::Begin) || self.database.is_done_already(&verdict) {
            return Ok(nothing());
        } else if matches!(kind, Kind::Commit) {
            return self.commit().await.map(|()| nothing());
        } else if matches!(kind, Kind::Rollback) {
            return self.rollback().await.map(|()| nothing());
        }
        match self.broken {
            None => {}
            Some(Broken::Aborted) => return Err(DbError::Aborted),
            Some(Broken::Lost) => return Err(DbError::Lost),
        }
        let mut open = self.open().await?;
        let begin = self.begin(&mut open);
        let statement = Statement {
            sql,
            params,
            verdict: &verdict,
        };
        let result = self
            .database
            .query(&open.session, begin.as_deref(), statement)
            .await;
        if result.is_ok() {
            self.savepoints.follow(kind);
        }
        match (&result, self.mode) {
            (Err(DbError::OverLimit(_)), _) => self.break_off(open, Broken::Aborted).await,
            (Err(error), _) if error.loses_the_session() => {
                self.break_off(open, Broken::Lost).await;
            }
            (_, Mode::Transactional) => self.database.keep(self.id, open),
            (Ok(_), Mode::Autocommit) => self.end(open, Ending::Keep).await?,
            (Err(_), Mode::Autocommit) => self.end(open, Ending::Undo).await?,
        }
        result
    }

    /// Commits what is open when the call has answered, together with the answer where the call
    /// is a job's attempt.
    pub(crate) fn commit_on_return(&self) {
        self.database.commit_on_return(self.id);
    }

    /// Queues a job in the current transaction.
    pub(crate) async fn enqueue(&mut self, job: &QueuedJob) -> Result<String, DbError> {
        match self.broken {
            None => {}
            Some(Broken::Aborted) => return Err(DbError::Aborted),
            Some(Broken::Lost) => return Err(DbError::Lost),
        }
        let mut open = self.open().await?;
        let begin = self.begin(&mut open);
        let result = self
            .database
            .enqueue(&open.session, begin.as_deref(), job)
            .await;
        match (&result, self.mode) {
            (Err(error), _) if error.loses_the_session() => {
                self.break_off(open, Broken::Lost).await;
            }
            (_, Mode::Transactional) => self.database.keep(self.id, open),
            (Ok(_), Mode::Autocommit) => self.end(open, Ending::Keep).await?,
            (Err(_), Mode::Autocommit) => self.end(open, Ending::Undo).await?,
        }
        result
    }

    /// Reads a statement before it is sent.
    async fn admit(&self, sql: &str) -> Result<Arc<Verdict>, DbError> {
        let verdict = self.database.admit(sql).await?;
        self.savepoints.admit(verdict.kind())?;
        Ok(verdict)
    }

    /// Makes a transaction fail on the server for a statement that was not sent, so that what
    /// follows is as after any error: rolled back as a whole, or to a savepoint.
    async fn fail(&mut self) {
        if self.mode == Mode::Autocommit || self.broken.is_some() {
            return;
        }
        let Ok(mut open) = self.open().await else {
            return;
        };
        let begin = self.begin(&mut open);
        if let Some(begin) = begin
            && self.database.control(&open.session, &begin).await.is_err()
        {
            return self.break_off(open, Broken::Lost).await;
        }
        match self.database.control(&open.session, FAIL).await {
            Err(error) if error.loses_the_session() => self.break_off(open, Broken::Lost).await,
            Ok(()) | Err(_) => self.database.keep(self.id, open),
        }
    }

    /// Keeps what the transaction did. Nothing to do where none was begun.
    pub(crate) async fn commit(&mut self) -> Result<(), DbError> {
        self.savepoints.clear();
        match self.broken.take() {
            None => {}
            Some(Broken::Aborted) => return Ok(()),
            Some(Broken::Lost) => return Err(DbError::Lost),
        }
        match self.database.take(self.id) {
            Some(open) => self.end(open, Ending::Keep).await,
            None => Ok(()),
        }
    }

    /// Undoes what the transaction did. Nothing to do where none was begun.
    pub(crate) async fn rollback(&mut self) -> Result<(), DbError> {
        self.broken = None;
        self.savepoints.clear();
        self.database.undone();
        match self.database.take(self.id) {
            Some(open) => self.end(open, Ending::Undo).await,
            None => Ok(()),
        }
    }

    /// Undoes what is open and gives the session back.
    pub(crate) async fn close(mut self) {
        if self.database.is_kept_for_return(self.id) {
            return;
        }
        // A failure here shows again when a deploy commits; in a call the session
        // is rolled back or closed.
        let _ = self.rollback().await;
        if let Some(open) = self.database.take(self.id) {
            self.database.release(open);
        }
    }

    /// Gives up a transaction that the guest has not ended yet.
    async fn break_off(&mut self, open: Open, why: Broken) {
        if matches!(open.transaction, Transaction::Savepoint(_)) {
            // A failure here shows again when the deploy commits.
            let _ = self.end(open, Ending::Undo).await;
        } else {
            self.database.discard(open.session);
        }
        if self.mode == Mode::Transactional {
            self.broken = Some(why);
        }
    }

    async fn open(&self) -> Result<Open, DbError> {
        match self.database.take(self.id) {
            Some(open) => Ok(open),
            None => Ok(Open {
                session: self.database.open().await?,
                transaction: Transaction::None,
            }),
        }
    }

    /// What begins the transaction that the next statement belongs to, if none is going on.
    fn begin(&self, open: &mut Open) -> Option<String> {
        if !matches!(open.transaction, Transaction::None) {
            return None;
        }
        match (self.database.savepoint(), self.mode) {
            (Some(name), _) => {
                let begin = format!("SAVEPOINT {name}");
                open.transaction = Transaction::Savepoint(name);
                Some(begin)
            }
            (None, Mode::Transactional) => {
                open.transaction = Transaction::Begun;
                Some(self.database.marked(&self.begin))
            }
            // What a job's attempt does is fenced in its transaction.
            (None, Mode::Autocommit) if self.database.is_fenced() => {
                open.transaction = Transaction::Begun;
                Some(self.database.marked("BEGIN"))
            }
            (None, Mode::Autocommit) => None,
        }
    }

    async fn end(&self, mut open: Open, ending: Ending) -> Result<(), DbError> {
        let transaction = std::mem::replace(&mut open.transaction, Transaction::None);
        let sql = match (transaction, ending) {
            (Transaction::None, _) => None,
            (Transaction::Begun, Ending::Keep) => {
                let result = self.database.commit(&open.session).await;
                return self.ended(open, result);
            }
            (Transaction::Begun, Ending::Undo) => Some("ROLLBACK".to_owned()),
            (Transaction::Savepoint(name), Ending::Keep) => {
                Some(format!("RELEASE SAVEPOINT {name}"))
            }
            (Transaction::Savepoint(name), Ending::Undo) => Some(format!(
                "ROLLBACK TO SAVEPOINT {name}; RELEASE SAVEPOINT {name}"
            )),
        };
        let result = match sql {
            Some(sql) => self.database.control(&open.session, &sql).await,
            None => Ok(()),
        };
        self.ended(open, result)
    }

    /// Keeps or gives back a session whose transaction has ended.
    fn ended(&self, open: Open, result: Result<(), DbError>) -> Result<(), DbError> {
        match (&result, self.mode) {
            (Err(error), _) if error.loses_the_session() => self.database.discard(open.session),
            (_, Mode::Transactional) => self.database.keep(self.id, open),
            (_, Mode::Autocommit) => self.database.release(open),
        }
        result
    }
}

#[derive(Clone, Copy)]
enum Ending {
    Keep,
    Undo,
}

fn nothing() -> wit::Outcome {
    wit::Outcome {
        columns: Vec::new(),
        rows: Vec::new(),
        affected: 0,
    }
}

/// The statement that begins a transaction with these modes.
fn begin_with(modes: wit::TransactionModes) -> String {
    let isolation = modes.isolation.map(|isolation| match isolation {
        wit::Isolation::ReadCommitted => "ISOLATION LEVEL READ COMMITTED",
        wit::Isolation::RepeatableRead => "ISOLATION LEVEL REPEATABLE READ",
        wit::Isolation::Serializable => "ISOLATION LEVEL SERIALIZABLE",
    });
    let read_only = modes
        .read_only
        .map(|read_only| if read_only { "READ ONLY" } else { "READ WRITE" });
    let deferrable = modes.deferrable.map(|deferrable| {
        if deferrable {
            "DEFERRABLE"
        } else {
            "NOT DEFERRABLE"
        }
    });
    let modes: Vec<_> = [isolation, read_only, deferrable]
        .into_iter()
        .flatten()
        .collect();
    format!("BEGIN {}", modes.join(", "))
}
