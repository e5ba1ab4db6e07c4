//! What an app may ask of the queue, and how its jobs are run.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::app::manifest::JobWishes;
use crate::limits::Limits;
use crate::store::jobs::Settings;

/// Jobs of one app at once over all nodes.
const CONCURRENCY: u32 = 4;
const CONCURRENCY_CEILING: u32 = 32;
/// Tries at one job, crashes included.
const ATTEMPTS: u32 = 3;
const ATTEMPTS_CEILING: u32 = 1_000;
const RETRIES_CEILING: u32 = 100;
const BACKOFF_MS: u32 = 5_000;
const BACKOFF_CEILING_MS: u32 = 3_600_000;

/// Jobs that one call may queue.
pub(crate) const QUEUED_BY_ONE_CALL: u32 = 1_000;
/// The longest key of a job, in bytes.
pub(crate) const KEY_BYTES: usize = 200;
/// The longest text beside the progress, in bytes.
pub(crate) const TEXT_BYTES: usize = 1_024;
/// The longest payload of a job, in bytes.
pub(crate) const PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
/// How far ahead a job may be queued.
const DELAY: Duration = Duration::from_secs(366 * 24 * 3_600);

/// How an app's jobs are run: fixed with its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobsGrant {
    /// How long one attempt may run.
    pub(crate) wall: Duration,
    /// What each job's row keeps.
    pub(crate) settings: Settings,
}

/// Why a request was refused. Each case is the app author's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the key is empty or longer than {KEY_BYTES} bytes: shorten it")]
    Key,
    #[error("the payload is larger than {} MiB: keep it in a table", PAYLOAD_BYTES / (1024 * 1024))]
    Payload,
    #[error("the delay is longer than a year")]
    Delay,
}

impl JobsGrant {
    /// What a manifest wishes for, within the ceilings.
    pub(crate) fn new(wishes: JobWishes, limits: &Limits) -> Self {
        let within = |wish: Option<NonZeroU32>, default: u32, ceiling: u32| {
            let number = wish.map_or(default, NonZeroU32::get).min(ceiling);
            i32::try_from(number).unwrap_or(i32::MAX)
        };
        let wall = wishes.wall_ms.map_or(limits.default.job_wall(), |wish| {
            Duration::from_millis(wish.get().into())
        });
        let retries = within(wishes.retries, 0, RETRIES_CEILING);
        let attempts = within(wishes.attempts, ATTEMPTS, ATTEMPTS_CEILING);
        Self {
            wall: wall.min(limits.ceiling.job_wall()),
            settings: Settings {
                concurrency: within(wishes.concurrency, CONCURRENCY, CONCURRENCY_CEILING),
                // Each retry is a try.
                max_attempts: attempts.max(retries + 1),
                retries,
                backoff_ms: within(wishes.backoff_ms, BACKOFF_MS, BACKOFF_CEILING_MS),
            },
        }
    }
}

/// Decides whether a job of this size and key may be queued, and how many milliseconds ahead.
pub(crate) fn admit(payload: &str, key: Option<&str>, delay_ms: u64) -> Result<i64, Refused> {
    if payload.len() > PAYLOAD_BYTES {
        return Err(Refused::Payload);
    }
    if key.is_some_and(|key| key.is_empty() || key.len() > KEY_BYTES) {
        return Err(Refused::Key);
    }
    if Duration::from_millis(delay_ms) > DELAY {
        return Err(Refused::Delay);
    }
    i64::try_from(delay_ms).map_err(|_| Refused::Delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_that_says_nothing_gets_the_contracts_budget_and_no_retries() {
        let grant = JobsGrant::new(JobWishes::default(), &Limits::STANDARD);

        assert_eq!(grant.wall, Duration::from_secs(300));
        assert_eq!(grant.settings.retries, 0);
        assert_eq!(grant.settings.max_attempts, 3);
    }

    #[test]
    fn wishes_end_at_the_ceilings() {
        let much = NonZeroU32::new(u32::MAX);
        let wishes = JobWishes {
            wall_ms: much,
            concurrency: much,
            attempts: much,
            retries: much,
            backoff_ms: much,
        };
        let grant = JobsGrant::new(wishes, &Limits::STANDARD);

        assert_eq!(grant.wall, Duration::from_secs(3_600));
        assert_eq!(
            grant.settings,
            Settings {
                concurrency: 32,
                max_attempts: 1_000,
                retries: 100,
                backoff_ms: 3_600_000,
            }
        );
    }

    #[test]
    fn each_retry_is_a_try() {
        let wishes = JobWishes {
            retries: NonZeroU32::new(9),
            ..JobWishes::default()
        };
        let grant = JobsGrant::new(wishes, &Limits::STANDARD);

        assert_eq!(grant.settings.max_attempts, 10);
    }

    #[test]
    fn a_request_is_bounded() {
        assert_eq!(admit("{}", Some("k"), 5), Ok(5));
        assert_eq!(admit("{}", Some(""), 0), Err(Refused::Key));
        assert_eq!(
            admit("{}", Some(&"k".repeat(KEY_BYTES + 1)), 0),
            Err(Refused::Key)
        );
        assert_eq!(admit("{}", None, u64::MAX), Err(Refused::Delay));
        let large = "x".repeat(PAYLOAD_BYTES + 1);
        assert_eq!(admit(&large, None, 0), Err(Refused::Payload));
    }
}
