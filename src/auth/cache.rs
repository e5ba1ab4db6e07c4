//! Identities that were looked up a moment ago, so that a call costs no query.
//!
//! What this node changes it forgets at once, and what another node changes after
//! [`LIFETIME`]. Keyed by digests: the credentials themselves are not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::identity::Identity;
use super::token::Digest;

/// How long a change made elsewhere may go unseen.
pub(crate) const LIFETIME: Duration = Duration::from_secs(2);
/// From this age on, one caller looks an identity up again while the others still use it,
/// so that a busy credential does not send all its callers to the database at once.
const STALE: Duration = Duration::from_secs(1);
const CAPACITY: usize = 10_000;

/// A bounded map of recent identities.
pub(crate) struct Cache {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Digest, Entry>,
    /// Counts the times that everything was forgotten.
    epoch: u64,
}

struct Entry {
    identity: Arc<Identity>,
    looked_up: Instant,
    being_refreshed: AtomicBool,
}

/// The moment before a lookup: what is forgotten after it must not come back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    epoch: u64,
    at: Instant,
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self {
            inner: RwLock::default(),
        }
    }

    pub(crate) fn get(&self, digest: &Digest, now: Instant) -> Option<Arc<Identity>> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let entry = inner.entries.get(digest)?;
        let age = now.saturating_duration_since(entry.looked_up);
        let mine_to_refresh = age >= STALE && !entry.being_refreshed.swap(true, Ordering::Relaxed);
        (age < LIFETIME && !mine_to_refresh).then(|| Arc::clone(&entry.identity))
    }

    /// To be taken before the database is asked.
    pub(crate) fn mark(&self, now: Instant) -> Mark {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        Mark {
            epoch: inner.epoch,
            at: now,
        }
    }

    /// Keeps what the database answered after `mark`, unless things were forgotten since.
    pub(crate) fn insert(&self, digest: Digest, identity: Arc<Identity>, mark: Mark) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if inner.epoch != mark.epoch {
            return;
        }
        if inner.entries.len() >= CAPACITY && !inner.entries.contains_key(&digest) {
            inner.make_room(mark.at);
        }
        inner.entries.insert(
            digest,
            Entry {
                identity,
                looked_up: mark.at,
                being_refreshed: AtomicBool::new(false),
            },
        );
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        inner.epoch += 1;
        inner.entries.clear();
    }
}

impl Inner {
    fn make_room(&mut self, now: Instant) {
        self.entries
            .retain(|_, entry| now.saturating_duration_since(entry.looked_up) < LIFETIME);
        if self.entries.len() >= CAPACITY {
            self.entries.clear();
        }
    }
}

#[cfg(test)]
mod tests;
