//! What one call may use, and who says so. Pure.
//!
//! An operator sets [`Limits`]: what a call gets where its app says nothing, and the ceiling
//! of what a manifest may ask for. A release's [`Amounts`] are made of both, and a [`Budget`] is
//! those amounts in the units that calls are held to. A new bound is one more field of
//! [`Amounts`] and of [`Budget`].

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) const MIB: usize = 1024 * 1024;
const KIB: usize = 1024;

/// How long `load` may take: it may fill tables.
pub(crate) const LOAD_WALL: Duration = Duration::from_secs(60);

/// The section `limits` of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    /// What a call may use where its app's manifest does not say.
    pub(crate) default: Amounts,
    /// The most that a manifest may ask for.
    pub(crate) ceiling: Amounts,
    /// Calls of all apps that run at once on this node.
    pub(crate) calls: NonZeroU32,
    /// Memory for all cells of this node, in MiB; from the machine's size if not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_memory_mb: Option<NonZeroU32>,
    /// Whether instructions are counted. It costs every call some of its speed.
    pub(crate) count_fuel: bool,
}

/// What one call may use, in the units of settings and manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Amounts {
    /// Milliseconds from the call's start to its answer, waiting included.
    pub(crate) wall_ms: NonZeroU32,
    /// MiB of all memories and tables of its cell.
    pub(crate) memory_mb: NonZeroU32,
    /// Milliseconds that one attempt at a job may run; waiting for its turn does not count.
    pub(crate) job_wall_ms: NonZeroU32,
    /// Calls of one app at the same time on a node.
    pub(crate) concurrency: NonZeroU32,
    /// Millions of instructions, where they are counted.
    pub(crate) fuel: NonZeroU32,
    /// SQL statements.
    pub(crate) statements: NonZeroU32,
    /// Rows of one result.
    pub(crate) rows: NonZeroU32,
    /// MiB of one result.
    pub(crate) result_mb: NonZeroU32,
    /// MiB of the call's data, and of all its statements, parameters and results.
    pub(crate) transfer_mb: NonZeroU32,
    /// Lines in the app's log.
    pub(crate) log_lines: NonZeroU32,
    /// KiB in the app's log.
    pub(crate) log_kb: NonZeroU32,
    /// Notifications.
    pub(crate) notifications: NonZeroU32,
    /// KiB of all payloads of notifications.
    pub(crate) notifications_kb: NonZeroU32,
}

/// What one call may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// From the call's start to its answer, waiting for the host included.
    pub(crate) wall: Duration,
    /// Of all memories and tables of the cell together, in bytes.
    pub(crate) memory: usize,
    /// Instructions; none where they are not counted.
    pub(crate) fuel: Option<u64>,
    pub(crate) statements: u32,
    /// Of one result.
    pub(crate) rows: usize,
    /// Of one result, in bytes.
    pub(crate) result: usize,
    /// What crosses between cell and host in the whole call, in bytes.
    pub(crate) transfer: u64,
    pub(crate) log_lines: u32,
    /// Of all lines together, in bytes.
    pub(crate) log_bytes: usize,
    pub(crate) notifications: u32,
    /// Of all payloads together, in bytes.
    pub(crate) notification_bytes: usize,
}

/// A setting that cannot hold. The text names it and says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LimitsError {
    #[error(
        "the setting `limits.default.{name}` is {default}, above `limits.ceiling.{name}`, which is \
         {ceiling}: lower the one or raise the other"
    )]
    DefaultAboveCeiling {
        name: &'static str,
        default: u32,
        ceiling: u32,
    },
    #[error("the setting `limits.{name}` is {given}: at most {most} is possible")]
    TooMuch { name: String, given: u32, most: u32 },
}

/// The most that this version can do, or that makes sense at all.
const MOST: Amounts = Amounts {
    // Well below the time after which the database ends what nobody seems to wait for.
    wall_ms: count(600_000),
    // What a 32-bit memory can have.
    memory_mb: count(4_096),
    job_wall_ms: count(86_400_000),
    concurrency: CALLS_MOST,
    fuel: NonZeroU32::MAX,
    statements: count(10_000_000),
    rows: count(10_000_000),
    result_mb: count(1_024),
    transfer_mb: count(1_048_576),
    log_lines: count(1_000_000),
    log_kb: count(1_048_576),
    notifications: count(10_000),
    notifications_kb: count(65_536),
};
const CALLS_MOST: NonZeroU32 = count(256);

impl Limits {
    /// What holds where the operator sets nothing.
    pub(crate) const STANDARD: Self = Self {
        default: Amounts {
            wall_ms: count(30_000),
            memory_mb: count(256),
            job_wall_ms: count(300_000),
            concurrency: count(16),
            fuel: count(100_000),
            statements: count(10_000),
            rows: count(10_000),
            result_mb: count(16),
            transfer_mb: count(256),
            log_lines: count(1_000),
            log_kb: count(1_024),
            notifications: count(100),
            notifications_kb: count(1_024),
        },
        ceiling: Amounts {
            wall_ms: count(120_000),
            memory_mb: count(512),
            job_wall_ms: count(3_600_000),
            concurrency: count(32),
            fuel: count(1_000_000),
            statements: count(100_000),
            rows: count(100_000),
            result_mb: count(64),
            transfer_mb: count(1_024),
            log_lines: count(10_000),
            log_kb: count(16_384),
            notifications: count(1_000),
            notifications_kb: count(16_384),
        },
        calls: count(64),
        total_memory_mb: None,
        count_fuel: false,
    };

    /// Checks that the numbers fit together.
    ///
    /// # Errors
    ///
    /// When a default is above its ceiling, or a number above what is possible.
    pub(crate) fn check(&self) -> Result<(), LimitsError> {
        let ceilings = self.ceiling.named();
        for ((name, ceiling), (_, most)) in ceilings.into_iter().zip(MOST.named()) {
            at_most(&format!("ceiling.{name}"), ceiling, most)?;
        }
        at_most("calls", self.calls.get(), CALLS_MOST.get())?;
        for ((name, default), (_, ceiling)) in self.default.named().into_iter().zip(ceilings) {
            if default > ceiling {
                return Err(LimitsError::DefaultAboveCeiling {
                    name,
                    default,
                    ceiling,
                });
            }
        }
        Ok(())
    }

    /// The budget of a call of a release that has these amounts.
    pub(crate) fn budget(&self, amounts: &Amounts) -> Budget {
        let size = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        Budget {
            wall: amounts.wall(),
            memory: size(amounts.memory_mb).saturating_mul(MIB),
            fuel: self
                .count_fuel
                .then(|| u64::from(amounts.fuel.get()) * 1_000_000),
            statements: amounts.statements.get(),
            rows: size(amounts.rows),
            result: size(amounts.result_mb).saturating_mul(MIB),
            transfer: u64::from(amounts.transfer_mb.get()) * 1024 * 1024,
            log_lines: amounts.log_lines.get(),
            log_bytes: size(amounts.log_kb).saturating_mul(KIB),
            notifications: amounts.notifications.get(),
            notification_bytes: size(amounts.notifications_kb).saturating_mul(KIB),
        }
    }

    /// The budget of `load`, which may fill tables: the ceilings, and a time of its own.
    pub(crate) fn load(&self) -> Budget {
        Budget {
            wall: LOAD_WALL,
            ..self.budget(&self.ceiling)
        }
    }
}

impl Amounts {
    pub(crate) fn wall(&self) -> Duration {
        Duration::from_millis(self.wall_ms.get().into())
    }

    pub(crate) fn job_wall(&self) -> Duration {
        Duration::from_millis(self.job_wall_ms.get().into())
    }

    /// Every amount with the name that it has in settings.
    fn named(&self) -> [(&'static str, u32); 13] {
        [
            ("wall_ms", self.wall_ms),
            ("memory_mb", self.memory_mb),
            ("job_wall_ms", self.job_wall_ms),
            ("concurrency", self.concurrency),
            ("fuel", self.fuel),
            ("statements", self.statements),
            ("rows", self.rows),
            ("result_mb", self.result_mb),
            ("transfer_mb", self.transfer_mb),
            ("log_lines", self.log_lines),
            ("log_kb", self.log_kb),
            ("notifications", self.notifications),
            ("notifications_kb", self.notifications_kb),
        ]
        .map(|(name, amount)| (name, amount.get()))
    }
}

fn at_most(name: &str, given: u32, most: u32) -> Result<(), LimitsError> {
    if given <= most {
        return Ok(());
    }
    Err(LimitsError::TooMuch {
        name: name.to_owned(),
        given,
        most,
    })
}

pub(crate) const fn count(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

pub(crate) const fn few(number: u16) -> NonZeroU16 {
    match NonZeroU16::new(number) {
        Some(number) => number,
        None => NonZeroU16::MIN,
    }
}

#[cfg(test)]
mod tests;
