//! How much of something that stays open each user may hold at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ids::UserId;

/// Counts what users hold. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    of_user: usize,
    of_all: usize,
    held: Mutex<HashMap<UserId, usize>>,
}

/// A place of a user, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    user: UserId,
}

/// Why there is no place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// The user holds so many already.
    User(usize),
    /// All users together do.
    All,
}

impl Places {
    /// So many for each user, and so many for all together.
    pub(crate) fn new(of_user: usize, of_all: usize) -> Self {
        Self(Arc::new(Shared {
            of_user,
            of_all,
            held: Mutex::default(),
        }))
    }

    pub(crate) fn enter(&self, user: UserId) -> Result<Place, Full> {
        let mut held = self.held();
        if held.values().sum::<usize>() >= self.0.of_all {
            return Err(Full::All);
        }
        let own = held.entry(user).or_default();
        if *own >= self.0.of_user {
            return Err(Full::User(self.0.of_user));
        }
        *own += 1;
        let places = self.clone();
        Ok(Place { places, user })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held();
        if let Some(own) = held.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                held.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn a_user_holds_so_many_and_all_together_so_many_until_they_are_given_back() {
        let places = Places::new(2, 3);
        let first = places.enter(user(1)).unwrap();
        let _second = places.enter(user(1)).unwrap();
        assert_eq!(places.enter(user(1)).err(), Some(Full::User(2)));

        let _third = places.enter(user(2)).unwrap();
        assert_eq!(places.enter(user(3)).err(), Some(Full::All));

        drop(first);
        places.enter(user(1)).unwrap();
        assert_eq!(places.held().len(), 2);
    }
}
