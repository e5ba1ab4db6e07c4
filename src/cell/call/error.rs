//! Why a call gave no answer, and what its author reads of that.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap};

use super::super::admission::Busy;
use super::super::state::CellState;
use super::super::{engine, limits};
use crate::capability::log::{CallLog, detail};
use crate::limits::Budget;

/// Why a call gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The app's own failure, in its own words.
    #[error("{message}")]
    App {
        name: String,
        message: String,
        trace: Option<String>,
    },
    /// A hook that says by itself that it did not succeed, with all of its answer.
    #[error("{message}")]
    NotWell { message: String, answer: String },
    #[error("the call was stopped: it took longer than its {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("the call was stopped: it needed more than its {} MiB of memory", .0 / (1024 * 1024))]
    OutOfMemory(usize),
    #[error("the call was stopped: it ran more than its {} million instructions", .0 / 1_000_000)]
    OutOfFuel(u64),
    #[error("the app's answer is larger than {} MiB: send it in parts", limits::ANSWER_BYTES / (1024 * 1024))]
    AnswerTooLarge,
    /// The component did what WebAssembly forbids, or ended itself.
    #[error("the app crashed: {0}")]
    Crashed(String),
    /// The job that it works at was cancelled, or is another's now.
    #[error("the call was stopped, because its job was")]
    Stopped,
    #[error(transparent)]
    Busy(#[from] Busy),
    /// Ours.
    #[error("the call could not be run")]
    Internal(#[source] anyhow::Error),
}

impl CallError {
    /// The same without the secrets that the call has read, as far as the log can tell.
    pub(super) fn masked(self, log: &CallLog) -> Self {
        let hide = |text: String| log.masked(&text).into_owned();
        match self {
            Self::App {
                name,
                message,
                trace,
            } => Self::App {
                name: hide(name),
                message: hide(message),
                trace: trace.map(hide),
            },
            Self::NotWell { message, answer } => Self::NotWell {
                message: hide(message),
                answer: hide(answer),
            },
            other @ (Self::TimedOut(_)
            | Self::OutOfMemory(_)
            | Self::OutOfFuel(_)
            | Self::AnswerTooLarge
            | Self::Crashed(_)
            | Self::Stopped
            | Self::Busy(_)
            | Self::Internal(_)) => other,
        }
    }

    /// What the app's author reads of it.
    pub(crate) fn in_the_log(&self) -> String {
        match self {
            Self::App { name, message, .. } => format!("{name}: {message}"),
            Self::TimedOut(_)
            | Self::OutOfMemory(_)
            | Self::OutOfFuel(_)
            | Self::AnswerTooLarge
            | Self::Crashed(_)
            | Self::Stopped
            | Self::NotWell { .. }
            | Self::Busy(_)
            | Self::Internal(_) => self.to_string(),
        }
    }
}

/// Says what a trap or a failed instantiation was.
pub(super) fn classify(
    store: &mut Store<CellState>,
    error: &wasmtime::Error,
    budget: Budget,
) -> CallError {
    if store.data().is_stopped() {
        return CallError::Stopped;
    }
    if Instant::now() >= store.data().deadline() {
        return CallError::TimedOut(budget.wall);
    }
    if store.data_mut().memory.take_refused() {
        return CallError::OutOfMemory(budget.memory);
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return CallError::Crashed(format!("it ended itself with exit code {}", exit.0));
    }
    if let Some(headers) = error.downcast_ref::<wasmtime_wasi_http::FieldMapError>() {
        return CallError::Crashed(format!("the headers of a request are too large: {headers}"));
    }
    match (error.downcast_ref::<Trap>(), budget.fuel) {
        (Some(Trap::OutOfFuel), Some(fuel)) => CallError::OutOfFuel(fuel),
        (Some(Trap::StackOverflow), _) => CallError::Crashed(format!(
            "its stack is over {} KiB: too deep recursion",
            engine::STACK_BYTES / 1024
        )),
        (Some(trap), _) => CallError::Crashed(trap.to_string()),
        (None, _) => CallError::Internal(anyhow::anyhow!("{error:#}")),
    }
}

/// Says how a guest misused what it may import.
pub(super) fn misuse(error: &wasmtime::Error) -> String {
    match error.downcast_ref::<ResourceTableError>() {
        Some(ResourceTableError::Full) => format!("it holds more than {} handles", limits::HANDLES),
        _ => error.root_cause().to_string(),
    }
}

/// Writes to the app's log what its author needs to know.
pub(super) fn describe(log: &CallLog, error: &CallError) {
    match error {
        CallError::App { name, trace, .. } => {
            let detail = detail::failure(name, trace.as_deref());
            log.conclude(&error.in_the_log(), Some(&detail));
        }
        CallError::Internal(cause) => {
            tracing::error!(error = format!("{cause:#}"), "a call could not be run");
            log.conclude(&error.to_string(), None);
        }
        CallError::Busy(_) => {}
        CallError::NotWell { .. }
        | CallError::TimedOut(_)
        | CallError::OutOfMemory(_)
        | CallError::OutOfFuel(_)
        | CallError::AnswerTooLarge
        | CallError::Stopped
        | CallError::Crashed(_) => log.conclude(&error.to_string(), None),
    }
}
