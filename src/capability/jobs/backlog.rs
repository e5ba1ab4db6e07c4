//! How many jobs of an app may wait, however they are queued.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::ids::AppName;
use crate::store::{Store, jobs};

/// Waiting jobs of one app.
pub(crate) const MOST: i64 = 100_000;
/// How long a count is believed: counting takes time where much waits. What other nodes queue
/// meanwhile is not seen, so that a few more may wait.
const BELIEVED: Duration = Duration::from_secs(2);

/// The last counts, and what this node has let in since. What a node forgets is counted again.
/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Backlog(Arc<Shared>);

struct Shared {
    store: Store,
    counts: Mutex<HashMap<AppName, Count>>,
}

#[derive(Clone, Copy)]
struct Count {
    at: Instant,
    waiting: i64,
}

impl Backlog {
    pub(crate) fn new(store: Store) -> Self {
        Self(Arc::new(Shared {
            store,
            counts: Mutex::default(),
        }))
    }

    /// Lets one more job of an app in, if there is room for it.
    pub(crate) async fn admit(&self, app: &AppName) -> sqlx::Result<bool> {
        let is_known = |count: &Count| count.at.elapsed() < BELIEVED;
        if !self.counts().get(app).is_some_and(is_known) {
            let waiting = jobs::waiting(self.0.store.pool(), app, MOST).await?;
            let at = Instant::now();
            self.counts().insert(app.clone(), Count { at, waiting });
        }
        let mut counts = self.counts();
        let Some(count) = counts.get_mut(app) else {
            return Ok(true);
        };
        Ok(count.take())
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<AppName, Count>> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    /// Lets one more in, if there is room.
    fn take(&mut self) -> bool {
        let has_room = self.waiting < MOST;
        self.waiting += i64::from(has_room);
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_node_lets_in_counts_before_it_is_counted_again() {
        let mut count = Count {
            at: Instant::now(),
            waiting: MOST - 2,
        };

        assert_eq!([(); 3].map(|()| count.take()), [true, true, false]);
    }
}
