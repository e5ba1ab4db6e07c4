//! How many calls run at once, and how many may wait for their turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits::MIB;

/// Of the places of all apps, one in so many is for apps that have few calls running, so that
/// busy ones leave room.
const RESERVED_OF: usize = 4;
/// How many running calls are few.
const FEW: usize = 2;
/// Calls that wait, over all apps.
pub(super) const WAITING: usize = 2_048;
/// The data of all calls that wait, in bytes.
const WAITING_BYTES: usize = 512 * MIB;
/// Calls of one app that wait.
const WAITING_OF_ONE: usize = 512;

/// A number of places, and a bounded queue before them.
pub(super) struct Admission {
    places: Arc<Semaphore>,
    size: usize,
    waiting: AtomicUsize,
    may_wait: usize,
    what: &'static str,
}

/// A place that is given back when it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// Why a call did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Busy {
    #[error("{0} is busy: too many calls are waiting")]
    QueueFull(&'static str),
    #[error("{0} is busy: the call waited for its turn until its time was over")]
    WaitedTooLong(&'static str),
    #[error("the server is busy: its memory for cells is in use")]
    NoMemory,
}

impl Admission {
    /// Of a node on which this many calls run at once, the places for all apps.
    pub(super) fn for_all(calls: usize) -> Self {
        Self::new(calls - calls / RESERVED_OF, WAITING, "the server")
    }

    /// Of a node on which this many calls run at once, the places for apps that have few.
    pub(super) fn reserve(calls: usize) -> Self {
        Self::new(calls / RESERVED_OF, 0, "the server")
    }

    /// Whether the one who asks, who has a place already, is one of few.
    pub(super) fn has_few(&self) -> bool {
        self.running() <= FEW
    }

    /// How many places are taken.
    pub(super) fn running(&self) -> usize {
        self.size.saturating_sub(self.places.available_permits())
    }

    /// How many wait for a place.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Takes a place if there is one at once.
    pub(super) fn try_enter(&self) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { _permit: permit })
    }

    pub(super) fn for_app(concurrency: usize) -> Self {
        Self::new(concurrency, WAITING_OF_ONE, "the app")
    }

    fn new(places: usize, may_wait: usize, what: &'static str) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            size: places,
            waiting: AtomicUsize::new(0),
            may_wait,
            what,
        }
    }

    /// Takes a place, in the order of asking, until the deadline.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<Place, Busy> {
        if let Some(place) = self.try_enter() {
            return Ok(place);
        }
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= self.may_wait {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(Busy::QueueFull(self.what));
        }
        let _leaving = Leaving(&self.waiting);
        match tokio::time::timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Place { _permit: permit }),
            // The semaphore is never closed, so what is left is the deadline.
            Ok(Err(_)) | Err(_) => Err(Busy::WaitedTooLong(self.what)),
        }
    }
}

/// The data that calls hold while they wait, which is not part of any cell's memory yet.
#[derive(Default)]
pub(super) struct WaitingData(AtomicUsize);

/// Data of one call, counted out when it is dropped.
pub(super) struct Held<'a> {
    all: &'a AtomicUsize,
    bytes: usize,
}

impl WaitingData {
    /// Counts the data of a call that may have to wait.
    pub(super) fn hold(&self, bytes: usize) -> Result<Held<'_>, Busy> {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        let held = Held {
            all: &self.0,
            bytes,
        };
        if before.saturating_add(bytes) > WAITING_BYTES {
            return Err(Busy::QueueFull("the server"));
        }
        Ok(held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Counts a waiting call out, also when its caller goes away.
pub(super) struct Leaving<'a>(pub(super) &'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_call_waits_for_a_place_until_its_deadline() {
        let admission = Admission::new(1, 1, "the app");
        let deadline = Instant::now() + Duration::from_millis(20);

        let first = admission.enter(deadline).await;
        assert!(first.is_ok());
        let second = admission.enter(deadline).await;
        assert_eq!(second.err(), Some(Busy::WaitedTooLong("the app")));

        drop(first);
        assert!(admission.enter(deadline).await.is_ok());
    }

    #[tokio::test]
    async fn an_app_has_few_calls_running_or_many() {
        let app = Admission::for_app(16);
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut held = Vec::new();

        for running in 1..=4 {
            held.push(app.enter(deadline).await);
            assert_eq!(app.has_few(), running <= FEW, "{running}");
            assert_eq!(app.running(), running);
        }
    }

    #[test]
    fn waiting_calls_hold_so_much_data_together() {
        let data = WaitingData::default();
        let held = data.hold(WAITING_BYTES);
        assert!(held.is_ok());

        let refused = data.hold(1);
        assert_eq!(refused.err(), Some(Busy::QueueFull("the server")));

        drop(held);
        assert!(data.hold(WAITING_BYTES).is_ok());
    }

    #[tokio::test]
    async fn no_more_wait_than_the_queue_holds() {
        let admission = Admission::new(1, 1, "the app");
        let deadline = Instant::now() + Duration::from_millis(20);
        let _running = admission.enter(deadline).await;

        let (waits, refused) = tokio::join!(admission.enter(deadline), admission.enter(deadline));

        assert_eq!(waits.err(), Some(Busy::WaitedTooLong("the app")));
        assert_eq!(refused.err(), Some(Busy::QueueFull("the app")));
    }
}
