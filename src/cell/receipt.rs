//! What one call used, and what it came to.
//!
//! Every call has a [`Receipt`], one that never got a cell too. Whoever keeps them is a
//! [`Witness`].

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::CallError;
use crate::capability::caller::Caller;
use crate::capability::db::session::Usage;
use crate::capability::egress::EgressUsage;
use crate::ids::{AppName, CallId, JobId, ReleaseId};

/// What one call really used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Receipt {
    /// Waiting for a place.
    pub(crate) queued: Duration,
    /// Making the cell; next to nothing where one was reused.
    pub(crate) instantiate: Duration,
    /// Inside the cell, waiting for the host included.
    pub(crate) run: Duration,
    pub(crate) database: Usage,
    pub(crate) egress: EgressUsage,
    /// What the engine counted of the guest's instructions; none where it did not count.
    pub(crate) fuel: Option<u64>,
    /// The most memory that the cell has had, in bytes.
    pub(crate) memory: usize,
    /// Bytes of the data that the app was given.
    pub(crate) payload: usize,
    /// Bytes of the app's answer.
    pub(crate) answer: usize,
    /// Lines that the app wrote to its log, printed ones included.
    pub(crate) log_lines: u32,
    /// The keys of the grants that it used of the database, the network and the
    /// credentials.
    pub(crate) grants: BTreeSet<String>,
    /// What went wrong, without the secrets that the call has read.
    pub(crate) error: Option<String>,
}

impl Receipt {
    /// From the call's start to its answer.
    pub(crate) fn wall(&self) -> Duration {
        self.queued + self.instantiate + self.run
    }

    /// Waiting for the host, over all capabilities.
    pub(crate) fn host(&self) -> Duration {
        self.database.waited + self.egress.waited
    }

    /// The app's own time: what it computed, and waited for the clock.
    pub(crate) fn guest(&self) -> Duration {
        self.run.saturating_sub(self.host())
    }
}

/// Declares the endings with their names, which are an interface: they are in the call log, in
/// metrics, and what people filter by.
macro_rules! endings {
    ($($(#[$doc:meta])* $ending:ident = $name:literal,)+) => {
        /// What a call came to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        pub(crate) enum Ending {
            $($(#[$doc])* #[serde(rename = $name)] $ending,)+
        }

        impl Ending {
            pub(crate) const ALL: &[Self] = &[$(Self::$ending,)+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$ending => $name,)+
                }
            }
        }
    };
}

endings! {
    Ok = "ok",
    /// The app's own failure.
    AppError = "app_error",
    TimedOut = "timed_out",
    OutOfMemory = "out_of_memory",
    OutOfFuel = "out_of_fuel",
    AnswerTooLarge = "answer_too_large",
    Crashed = "crashed",
    /// The job that it worked at was cancelled, or became another attempt's.
    Stopped = "stopped",
    /// It did not get a place in time.
    Busy = "busy",
    /// The host's own failure.
    Internal = "internal",
}

/// A text that names no ending.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no outcome `{0}`: it is one of {names}", names = names())]
pub(crate) struct UnknownEnding(String);

fn names() -> String {
    let names: Vec<&str> = Ending::ALL.iter().map(|ending| ending.name()).collect();
    names.join(", ")
}

impl Ending {
    pub(crate) fn of<T>(result: &Result<T, CallError>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(CallError::App { .. } | CallError::NotWell { .. }) => Self::AppError,
            Err(CallError::TimedOut(_)) => Self::TimedOut,
            Err(CallError::OutOfMemory(_)) => Self::OutOfMemory,
            Err(CallError::OutOfFuel(_)) => Self::OutOfFuel,
            Err(CallError::AnswerTooLarge) => Self::AnswerTooLarge,
            Err(CallError::Crashed(_)) => Self::Crashed,
            Err(CallError::Stopped) => Self::Stopped,
            Err(CallError::Busy(_)) => Self::Busy,
            Err(CallError::Internal(_)) => Self::Internal,
        }
    }
}

impl FromStr for Ending {
    type Err = UnknownEnding;

    fn from_str(text: &str) -> Result<Self, UnknownEnding> {
        let found = Self::ALL.iter().find(|ending| ending.name() == text);
        found
            .copied()
            .ok_or_else(|| UnknownEnding(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A call that is over.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: CallId,
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    /// `execute`, `job`, `task`, `hook` or `load`.
    pub(crate) entry: &'static str,
    /// The job that it worked at, and which attempt it was.
    pub(crate) job: Option<(JobId, i32)>,
    pub(crate) caller: Option<Arc<Caller>>,
    pub(crate) ending: Ending,
    /// What went wrong, as the app's author reads it in the log.
    pub(crate) error: Option<String>,
    pub(crate) receipt: Receipt,
}

/// Is told of every call that is over. Calls wait for it, so it must not wait for anything.
pub(crate) trait Witness: Send + Sync {
    fn ended(&self, call: Record);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_call_add_up() {
        let receipt = Receipt {
            queued: Duration::from_millis(1),
            instantiate: Duration::from_millis(2),
            run: Duration::from_millis(10),
            database: Usage {
                waited: Duration::from_millis(4),
                ..Usage::default()
            },
            ..Receipt::default()
        };

        assert_eq!(receipt.wall(), Duration::from_millis(13));
        assert_eq!(receipt.host(), Duration::from_millis(4));
        assert_eq!(receipt.guest(), Duration::from_millis(6));
    }

    #[test]
    fn an_ending_is_known_by_its_name() {
        for ending in Ending::ALL {
            assert_eq!(ending.to_string().parse(), Ok(*ending));
        }
        let unknown = "fine".parse::<Ending>().unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "there is no outcome `fine`: it is one of ok, app_error, timed_out, out_of_memory, \
             out_of_fuel, answer_too_large, crashed, stopped, busy, internal"
        );
    }
}
