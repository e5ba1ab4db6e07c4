//! What becomes of a job whose attempt did not complete it.

use std::time::Duration;

use crate::store::jobs::attempts::{Counts, Next};

/// The longest wait before another try.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// How long a job waits that was given back: whoever gave it must not be the first to take it.
const PAUSE: Duration = Duration::from_secs(1);

/// How an attempt ended that did not complete its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The app itself failed.
    Failed,
    TimedOut,
    /// The node, the cell or the database went away.
    Lost,
    /// The node gave the job back untouched, or is stopping.
    Returned,
}

impl Ending {
    /// The word of the history.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Lost => "lost",
            Self::Returned => "returned",
        }
    }
}

/// Decides what becomes of a job, and what it has used up. `chance` is random.
///
/// A returned attempt does not count. A failure of the app's own is tried again only as often as
/// its manifest asks; anything else until the attempts are used up.
pub(crate) fn next(ending: Ending, mut counts: Counts, chance: u32) -> (Counts, Next) {
    let next = match ending {
        Ending::Returned => {
            counts.spent -= 1;
            Next::Pending { delay: PAUSE }
        }
        Ending::Lost if counts.spent < counts.max_attempts => Next::Pending {
            delay: Duration::ZERO,
        },
        Ending::Lost => Next::Failed {
            reason: ending.word(),
        },
        Ending::Failed | Ending::TimedOut => {
            counts.failures += 1;
            if counts.failures <= counts.retries && counts.spent < counts.max_attempts {
                Next::Pending {
                    delay: backoff(counts, chance),
                }
            } else {
                Next::Failed {
                    reason: ending.word(),
                }
            }
        }
    };
    (counts, next)
}

/// Twice as long for each failure before, and up to a quarter more or less, so that jobs that
/// failed together are not tried together.
fn backoff(counts: Counts, chance: u32) -> Duration {
    let first = Duration::from_millis(counts.backoff_ms.unsigned_abs().into());
    let doublings = counts.failures.saturating_sub(1).clamp(0, 20);
    let wait = first.saturating_mul(1 << doublings).min(LONGEST_WAIT);
    let part = f64::from(chance) / f64::from(u32::MAX);
    wait.mul_f64(0.75 + part / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: Counts = Counts {
        spent: 1,
        failures: 0,
        max_attempts: 4,
        retries: 2,
        backoff_ms: 1_000,
    };
    const MIDDLE: u32 = u32::MAX / 2;

    fn delay(failures: i32, chance: u32) -> Duration {
        let counts = Counts { failures, ..COUNTS };
        let counts = Counts {
            retries: 100,
            ..counts
        };
        match next(Ending::Failed, counts, chance).1 {
            Next::Pending { delay } => delay,
            Next::Failed { reason } => panic!("{reason}"),
        }
    }

    #[test]
    fn an_app_that_fails_is_tried_as_often_as_it_asks() {
        let (counts, _) = next(Ending::Failed, COUNTS, MIDDLE);
        assert_eq!(counts.failures, 1);

        let last = Counts {
            failures: 2,
            ..COUNTS
        };
        for (ending, reason) in [(Ending::Failed, "failed"), (Ending::TimedOut, "timed_out")] {
            assert_eq!(next(ending, last, MIDDLE).1, Next::Failed { reason });
        }
    }

    #[test]
    fn an_app_that_asks_for_no_retries_fails_at_once() {
        let counts = Counts {
            retries: 0,
            ..COUNTS
        };

        let reason = "failed";
        assert_eq!(
            next(Ending::Failed, counts, MIDDLE).1,
            Next::Failed { reason }
        );
    }

    #[test]
    fn what_a_crash_has_cut_is_tried_until_the_attempts_are_used_up() {
        let counts = |spent| Counts {
            spent,
            retries: 0,
            ..COUNTS
        };
        let delay = Duration::ZERO;

        assert_eq!(
            next(Ending::Lost, counts(3), MIDDLE).1,
            Next::Pending { delay }
        );
        assert_eq!(
            next(Ending::Lost, counts(4), MIDDLE).1,
            Next::Failed { reason: "lost" }
        );
    }

    #[test]
    fn what_was_given_back_does_not_count() {
        let used_up = Counts { spent: 4, ..COUNTS };

        let (counts, next) = next(Ending::Returned, used_up, MIDDLE);

        assert_eq!(counts.spent, 3);
        assert_eq!(next, Next::Pending { delay: PAUSE });
    }

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_an_hour() {
        assert_eq!(delay(0, 0), Duration::from_millis(750));
        assert_eq!(delay(0, u32::MAX), Duration::from_millis(1_250));
        assert_eq!(delay(2, 0), Duration::from_millis(3_000));
        assert_eq!(delay(60, 0), LONGEST_WAIT.mul_f64(0.75));
    }
}
