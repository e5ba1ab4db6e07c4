//! A schedule: what a manifest declares of it, and what becomes of a firing. No I/O, no clock.
//!
//! When a schedule fires is in [`timing`].

pub(crate) mod timing;

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

pub(crate) use timing::{BadTiming, Timing};

/// Schedules of one app.
pub(crate) const MOST: usize = 100;
/// The longest payload, as JSON text in bytes.
pub(crate) const PAYLOAD_BYTES: usize = 64 * 1024;
/// How late a firing may be and still be on time, in seconds: where the manifest does not say,
/// and at most.
pub(crate) const GRACE: u32 = 300;
pub(crate) const GRACE_CEILING: u32 = 24 * 3_600;
/// How far firings may be spread, in seconds.
pub(crate) const JITTER_CEILING: u32 = 3_600;

/// Work that an app has done again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) name: String,
    /// Five fields.
    pub(crate) cron: String,
    /// A name of the IANA database.
    pub(crate) timezone: String,
    /// The task that is called; `execute` if there is none.
    #[serde(default)]
    pub(crate) task: Option<String>,
    /// What the app is called with: JSON text of an object.
    pub(crate) payload: String,
    pub(crate) missed: Missed,
    /// How late a firing may be and still be on time.
    pub(crate) grace_seconds: u32,
    pub(crate) overlap: Overlap,
    /// Its firings come up to so much later, always by the same, so that what is declared alike
    /// does not all begin at once.
    pub(crate) jitter_seconds: u32,
    /// Whether it fires before an operator resumes it.
    pub(crate) enabled: bool,
}

/// What becomes of firings that nobody was there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Missed {
    /// One job for all of them.
    #[default]
    RunOnce,
    /// None.
    Skip,
}

/// What becomes of a firing while a job of the one before waits or runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Overlap {
    /// Nothing is queued.
    #[default]
    SkipIfRunning,
    /// One firing waits until that job has ended; more are skipped.
    QueueAfter,
    /// That job is cancelled, and another queued.
    CancelActive,
}

/// One line for people: what a deploy is judged by.
impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            cron,
            timezone,
            ..
        } = self;
        write!(formatter, "{name}, at {cron} in {timezone}, ")?;
        match self.overlap {
            Overlap::SkipIfRunning => formatter.write_str("unless one runs"),
            Overlap::QueueAfter => formatter.write_str("after the one that runs"),
            Overlap::CancelActive => formatter.write_str("in place of one that runs"),
        }?;
        if self.enabled {
            Ok(())
        } else {
            formatter.write_str(", paused until somebody resumes it")
        }
    }
}

/// A word that none of these policies has.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no policy of schedules")]
pub(crate) struct UnknownPolicy(String);

impl Missed {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::RunOnce => "run_once",
            Self::Skip => "skip",
        }
    }
}

impl TryFrom<String> for Missed {
    type Error = UnknownPolicy;

    fn try_from(word: String) -> Result<Self, UnknownPolicy> {
        let all = [Self::RunOnce, Self::Skip];
        let found = all.into_iter().find(|policy| policy.word() == word);
        found.ok_or(UnknownPolicy(word))
    }
}

impl TryFrom<String> for Overlap {
    type Error = UnknownPolicy;

    fn try_from(word: String) -> Result<Self, UnknownPolicy> {
        let all = [Self::SkipIfRunning, Self::QueueAfter, Self::CancelActive];
        let found = all.into_iter().find(|policy| policy.word() == word);
        found.ok_or(UnknownPolicy(word))
    }
}

/// A firing whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Firing {
    /// The time that it stands for: the newest that has come.
    pub(crate) at: OffsetDateTime,
    /// The oldest time that has come, where there are several.
    pub(crate) missed_from: Option<OffsetDateTime>,
    /// Whether it is too late for a job.
    pub(crate) is_missed: bool,
    /// When the schedule fires next: later than now. None where it never does.
    pub(crate) next: Option<OffsetDateTime>,
}

/// Decides what is to be done about a schedule that was to fire at `planned`; nothing before
/// that.
pub(crate) fn due(
    timing: &Timing,
    missed: Missed,
    grace: Duration,
    planned: OffsetDateTime,
    now: OffsetDateTime,
) -> Option<Firing> {
    if planned > now {
        return None;
    }
    let newest = timing.until(now).filter(|newest| *newest > planned);
    let at = newest.unwrap_or(planned);
    let is_missed = match missed {
        Missed::RunOnce => false,
        Missed::Skip => now - at > grace,
    };
    Some(Firing {
        at,
        missed_from: newest.map(|_| planned),
        is_missed,
        next: timing.after(now),
    })
}

/// What is to be done for a firing, by what there is of the firings before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// A job is queued.
    Queue,
    /// The jobs that wait or run are cancelled, and a job is queued.
    CancelAndQueue,
    /// A job is queued once those that wait or run have ended.
    Wait,
    /// No job is queued.
    Skip(Busy),
}

/// Why a firing is skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Busy {
    /// A job of a firing before waits or runs.
    Running,
    /// A firing before waits for its turn.
    Waiting,
}

impl Busy {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
        }
    }
}

impl Overlap {
    /// Decides by whether a job of this schedule waits or runs (`active`), and whether a firing
    /// waits for its turn.
    pub(crate) fn admit(self, active: bool, waiting: bool) -> Admission {
        match self {
            Self::QueueAfter if waiting => Admission::Skip(Busy::Waiting),
            Self::QueueAfter if active => Admission::Wait,
            Self::SkipIfRunning if active => Admission::Skip(Busy::Running),
            Self::CancelActive if active => Admission::CancelAndQueue,
            Self::QueueAfter | Self::SkipIfRunning | Self::CancelActive => Admission::Queue,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::SkipIfRunning => "skip_if_running",
            Self::QueueAfter => "queue_after",
            Self::CancelActive => "cancel_active",
        }
    }
}

/// What people call a cron expression, where it is a common one; else the expression.
///
/// The words are those of the NousViz contract.
pub(crate) fn label(cron: &str) -> &str {
    match cron {
        "0 */4 * * *" => "Every 4 hours",
        "0 6 * * *" => "Daily at 6am",
        "0 0 * * *" => "Daily at midnight",
        "*/5 * * * *" => "Every 5 minutes",
        "0 * * * *" => "Hourly",
        other => other,
    }
}

#[cfg(test)]
mod tests;
