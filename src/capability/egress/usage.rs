//! What one call has sent and received, and what is left of its limits.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use super::policy;

/// What one call has used of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct EgressUsage {
    /// Requests that were admitted.
    pub(crate) requests: u32,
    /// Bytes, heads included and TLS not.
    pub(crate) sent: u64,
    pub(crate) received: u64,
    /// Waiting for connections and answers, over all requests.
    pub(crate) waited: Duration,
}

/// Counts while the call runs.
#[derive(Debug, Default)]
pub(super) struct Counters {
    attempts: AtomicU32,
    requests: AtomicU32,
    sent: AtomicU64,
    received: AtomicU64,
    waited_micros: AtomicU64,
}

/// What one more request is, by number.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    Within,
    /// The first one over the limit.
    First,
    Over,
}

impl Counters {
    pub(super) fn attempt(&self) -> Attempt {
        match self.attempts.fetch_add(1, Ordering::Relaxed) {
            ..policy::REQUESTS => Attempt::Within,
            policy::REQUESTS => Attempt::First,
            _ => {
                // It must not come round to the beginning.
                self.attempts.store(policy::REQUESTS + 1, Ordering::Relaxed);
                Attempt::Over
            }
        }
    }

    pub(super) fn admitted(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes up to so many bytes from what may still be sent.
    pub(super) fn reserve_sending(&self, wanted: usize) -> usize {
        let wanted = u64::try_from(wanted).unwrap_or(u64::MAX);
        let take = |sent: u64| wanted.min(policy::SENT_BYTES.saturating_sub(sent));
        let before = self
            .sent
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sent| {
                Some(sent + take(sent))
            });
        usize::try_from(before.map_or(0, take)).unwrap_or(usize::MAX)
    }

    /// Gives back what was taken and not sent.
    pub(super) fn give_back(&self, unsent: usize) {
        let unsent = u64::try_from(unsent).unwrap_or(0);
        self.sent.fetch_sub(unsent, Ordering::Relaxed);
    }

    /// Counts what came in, and says whether it was within the limit.
    pub(super) fn receive(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before = self.received.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) <= policy::RECEIVED_BYTES
    }

    pub(super) fn waited(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn total(&self) -> EgressUsage {
        EgressUsage {
            requests: self.requests.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waited_micros.load(Ordering::Relaxed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_so_many_attempts_and_the_first_over_is_told_from_the_rest() {
        let counters = Counters::default();

        for _ in 0..policy::REQUESTS {
            assert_eq!(counters.attempt(), Attempt::Within);
        }

        assert_eq!(counters.attempt(), Attempt::First);
        assert_eq!(counters.attempt(), Attempt::Over);
        assert_eq!(counters.attempt(), Attempt::Over);
    }

    #[test]
    fn never_more_is_sent_than_the_limit() {
        let counters = Counters::default();
        let limit = usize::try_from(policy::SENT_BYTES).unwrap();

        assert_eq!(counters.reserve_sending(limit - 10), limit - 10);
        assert_eq!(counters.reserve_sending(100), 10);
        assert_eq!(counters.reserve_sending(100), 0);

        counters.give_back(4);
        assert_eq!(counters.reserve_sending(100), 4);
        assert_eq!(counters.total().sent, policy::SENT_BYTES);
    }

    #[test]
    fn what_is_received_over_the_limit_is_noticed() {
        let counters = Counters::default();
        let limit = usize::try_from(policy::RECEIVED_BYTES).unwrap();

        assert!(counters.receive(limit));
        assert!(!counters.receive(1));
    }
}
