//! What an app may ask of the queue, and how its jobs are run.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::app::JobEntry;
use crate::app::manifest::{JobWishes, Task};
use crate::limits::Limits;
use crate::store::jobs::Settings;

/// How long a hook may run.
const HOOK_WALL: Duration = Duration::from_secs(300);
/// How long `on_uninstall` may keep the deletion of an app waiting.
pub(crate) const UNINSTALL_WALL: Duration = Duration::from_secs(30);
/// Hooks of one app that wait; of more, the app is not told.
pub(crate) const WAITING_HOOKS: i64 = 1_000;
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JobsGrant {
    /// How long one attempt may run.
    pub(crate) wall: Duration,
    /// The same of a hook.
    hook_wall: Duration,
    /// The tasks, and how long one attempt of each may run.
    tasks: Arc<BTreeMap<String, Duration>>,
    /// What each job's row keeps.
    pub(crate) settings: Settings,
}

/// Why a request was refused. Each case is the app author's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the key is empty or longer than {KEY_BYTES} bytes: shorten it")]
    Key,
    #[error("the key has the character NUL in it: leave it out")]
    KeyNul,
    #[error("the payload is larger than {} MiB: keep it in a table", PAYLOAD_BYTES / (1024 * 1024))]
    Payload,
    #[error("the delay is longer than a year")]
    Delay,
    #[error("the manifest has no task `{0}`: declare it in `tasks`")]
    Task(String),
    #[error("hooks are queued by the host alone")]
    Hook,
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
        let ceiling = limits.ceiling.job_wall();
        Self {
            wall: wall.min(ceiling),
            hook_wall: HOOK_WALL.min(ceiling),
            tasks: Arc::default(),
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

impl JobsGrant {
    /// Adds the tasks that a manifest declares.
    pub(crate) fn with_tasks(mut self, tasks: &BTreeMap<String, Task>, limits: &Limits) -> Self {
        let ceiling = limits.ceiling.job_wall();
        let walls = tasks.iter().map(|(name, task)| {
            let wall = task.timeout.map_or(self.wall, |seconds| {
                Duration::from_secs(seconds.get().into())
            });
            (name.clone(), wall.min(ceiling))
        });
        self.tasks = Arc::new(walls.collect());
        self
    }

    /// What the rows of hooks keep: an app that fails one is not asked again.
    pub(crate) fn of_hooks(&self) -> Settings {
        Settings {
            concurrency: self.settings.concurrency,
            max_attempts: i32::try_from(ATTEMPTS).unwrap_or(i32::MAX),
            retries: 0,
            backoff_ms: 0,
        }
    }

    /// How long one attempt at a job may run.
    pub(crate) fn wall_of(&self, entry: &JobEntry) -> Duration {
        match entry {
            JobEntry::Execute => self.wall,
            // One that was queued for an older release may be unknown to this one, and fails.
            JobEntry::Task(name) => self.tasks.get(name).copied().unwrap_or(self.wall),
            JobEntry::Hook(_) => self.hook_wall,
        }
    }

    /// Decides whether a job may call this.
    pub(crate) fn admit(&self, entry: &JobEntry) -> Result<(), Refused> {
        match entry {
            JobEntry::Execute => Ok(()),
            JobEntry::Task(name) if self.tasks.contains_key(name) => Ok(()),
            JobEntry::Task(name) => Err(Refused::Task(name.chars().take(64).collect())),
            JobEntry::Hook(_) => Err(Refused::Hook),
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
    if key.is_some_and(|key| key.contains('\0')) {
        return Err(Refused::KeyNul);
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
    fn a_task_is_declared_and_has_a_time_of_its_own() {
        let task = |seconds| Task {
            run: "tasks:run".to_owned(),
            timeout: NonZeroU32::new(seconds),
        };
        let tasks = [("quick", 5), ("usual", 0), ("endless", u32::MAX)]
            .map(|(name, seconds)| (name.to_owned(), task(seconds)));
        let grant = JobsGrant::new(JobWishes::default(), &Limits::STANDARD)
            .with_tasks(&BTreeMap::from(tasks), &Limits::STANDARD);
        let entry = |name: &str| JobEntry::Task(name.to_owned());
        let wall = |name| grant.wall_of(&entry(name)).as_secs();

        assert_eq!(
            (wall("quick"), wall("usual"), wall("endless")),
            (5, 300, 3_600)
        );
        assert_eq!(grant.admit(&entry("quick")), Ok(()));
        assert_eq!(grant.admit(&JobEntry::Execute), Ok(()));
        assert_eq!(
            grant.admit(&entry("other")),
            Err(Refused::Task("other".to_owned()))
        );
        assert_eq!(
            grant.admit(&JobEntry::Hook(crate::app::Hook::Install)),
            Err(Refused::Hook)
        );
    }

    #[test]
    fn a_request_is_bounded() {
        assert_eq!(admit("{}", Some("k"), 5), Ok(5));
        assert_eq!(admit("{}", Some(""), 0), Err(Refused::Key));
        assert_eq!(
            admit("{}", Some(&"k".repeat(KEY_BYTES + 1)), 0),
            Err(Refused::Key)
        );
        assert_eq!(admit("{}", Some("a\0b"), 0), Err(Refused::KeyNul));
        assert_eq!(admit("{}", None, u64::MAX), Err(Refused::Delay));
        let large = "x".repeat(PAYLOAD_BYTES + 1);
        assert_eq!(admit(&large, None, 0), Err(Refused::Payload));
    }
}
