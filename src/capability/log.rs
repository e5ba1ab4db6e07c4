//! The `log` capability: lines in the app's own log.
//!
//! The interface is `wit/log.wit`. How much an app may write is decided in [`policy`].
//! What it prints goes the same way, through [`stdio`]. Each line goes to the host's own log, and
//! into the [`book`], where people look for it.

pub(crate) mod book;
pub(crate) mod detail;
mod mask;
pub(crate) mod policy;
pub(crate) mod stdio;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field;
use wasmtime::component::{HasData, Linker};

use crate::bindings::skep::app::log as wit;
use crate::ids::{AppName, CallId, JobId, ReleaseId};

use book::LogBook;
use mask::Mask;
use policy::{Admitted, LogBudget, Most};

/// Where the lines of one call go, with the call's identity on each.
///
/// Cheap to clone; the clones share one budget, because what an app prints counts too.
#[derive(Clone)]
pub(crate) struct CallLog(Arc<Shared>);

struct Shared {
    identity: Identity,
    book: LogBook,
    budget: Mutex<LogBudget>,
    mask: Mutex<Mask>,
}

/// Whose lines they are.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    pub(crate) call: CallId,
    /// The job that the call works at, and the number of its attempt.
    pub(crate) job: Option<(JobId, i32)>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// A text that names no level.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no level `{0}`: it is one of debug, info, warn, error")]
pub(crate) struct UnknownLevel(String);

impl Level {
    pub(crate) const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// As it is kept: the higher, the worse.
    pub(crate) fn number(self) -> i16 {
        match self {
            Self::Debug => 0,
            Self::Info => 1,
            Self::Warn => 2,
            Self::Error => 3,
        }
    }

    /// The level of this number. One that there is not is taken for the worst.
    pub(crate) fn of_number(number: i16) -> Self {
        let found = Self::ALL.into_iter().find(|level| level.number() == number);
        found.unwrap_or(Self::Error)
    }
}

impl FromStr for Level {
    type Err = UnknownLevel;

    /// In either case; `warning` is `warn`.
    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        let name = text.to_ascii_lowercase();
        let name = if name == "warning" { "warn" } else { &name };
        let found = Self::ALL.into_iter().find(|level| level.name() == name);
        found.ok_or_else(|| UnknownLevel(text.chars().take(64).collect()))
    }
}

/// Where a line is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The app's own word, `logging` included.
    Log,
    Stdout,
    Stderr,
    /// How the call ended.
    Failure,
    /// What a part of the host has to say about the call.
    Host(&'static str),
}

/// A text that names no source.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no source `{0}`: it is one of log, stdout, stderr, failure, host")]
pub(crate) struct UnknownSource(String);

impl Origin {
    /// What lines say of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Failure => "failure",
            Self::Host(_) => "host",
        }
    }

    /// Which part of the host it is.
    pub(crate) fn part(self) -> Option<&'static str> {
        match self {
            Self::Host(part) => Some(part),
            Self::Log | Self::Stdout | Self::Stderr | Self::Failure => None,
        }
    }

    /// The name of a source, if it is one.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub(crate) fn known(text: &str) -> Result<&'static str, UnknownSource> {
        [
            Self::Log,
            Self::Stdout,
            Self::Stderr,
            Self::Failure,
            Self::Host(""),
        ]
        .map(Self::name)
        .into_iter()
        .find(|name| *name == text)
        .ok_or_else(|| UnknownSource(text.chars().take(64).collect()))
    }
}

impl CallLog {
    pub(crate) fn new(identity: Identity, most: Most, book: LogBook) -> Self {
        Self(Arc::new(Shared {
            identity,
            book,
            budget: Mutex::new(LogBudget::new(most)),
            mask: Mutex::default(),
        }))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// Writes one line, as far as the call's budget goes.
    pub(crate) fn write(&self, level: Level, origin: Origin, message: &str, detail: Option<&str>) {
        // Nothing over the limit is worth looking at.
        if self.budget().is_over() {
            return;
        }
        let (message, detail) = (self.masked(message), detail.map(|text| self.masked(text)));
        let message = policy::cut(&message, policy::MESSAGE_BYTES);
        let detail = detail
            .as_deref()
            .map(|detail| policy::cut(detail, policy::DETAIL_BYTES));
        let bytes = message.len() + detail.map_or(0, str::len);
        let admitted = self.budget().admit(bytes);
        match admitted {
            Admitted::Yes => self.emit(level, origin, message, detail),
            Admitted::Last(words) => self.emit(Level::Warn, Origin::Host("log"), &words, None),
            Admitted::No => {}
        }
    }

    /// How many lines the app has written so far, those over the limit left out.
    pub(crate) fn lines(&self) -> u32 {
        self.budget().written()
    }

    /// Writes how the call ended, which its author must learn whatever it has written before.
    pub(crate) fn conclude(&self, message: &str, detail: Option<&str>) {
        self.emit_bounded(Level::Error, Origin::Failure, message, detail);
    }

    /// Writes a line of the host's own, which an app cannot use up.
    pub(crate) fn host(&self, level: Level, part: &'static str, message: &str) {
        self.emit_bounded(level, Origin::Host(part), message, None);
    }

    /// Hides a secret from the lines that are written from now on.
    pub(crate) fn hide(&self, secret: &[u8]) {
        self.mask().hide(secret);
    }

    /// A text without the secrets that the call has read.
    pub(crate) fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.mask().masked(text)
    }

    /// Wipes the secrets that were hidden. Nothing is written after this.
    pub(crate) fn close(&self) {
        *self.mask() = Mask::default();
    }

    fn emit_bounded(&self, level: Level, origin: Origin, message: &str, detail: Option<&str>) {
        let (message, detail) = (self.masked(message), detail.map(|text| self.masked(text)));
        let message = policy::cut(&message, policy::MESSAGE_BYTES);
        let detail = detail
            .as_deref()
            .map(|detail| policy::cut(detail, policy::DETAIL_BYTES));
        self.emit(level, origin, message, detail);
    }

    fn emit(&self, level: Level, origin: Origin, message: &str, detail: Option<&str>) {
        let Shared { identity, book, .. } = &*self.0;
        book.push(identity, level, origin, message, detail);
        let Identity {
            app,
            release,
            call,
            job,
        } = identity;
        let (job, attempt) = (
            job.map(|(job, _)| field::display(job)),
            job.map(|(_, attempt)| attempt),
        );
        let (source, part) = (origin.name(), origin.part());
        let message = policy::single_line(message);
        // `tracing` needs its level at compile time.
        macro_rules! emit {
            ($level:ident) => {
                tracing::$level!(
                    target: "skep::app", %app, %release, %call, job, attempt, source, part, detail, "{message}"
                )
            };
        }
        match level {
            Level::Debug => emit!(debug),
            Level::Info => emit!(info),
            Level::Warn => emit!(warn),
            Level::Error => emit!(error),
        }
    }

    fn budget(&self) -> MutexGuard<'_, LogBudget> {
        self.0.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mask(&self) -> MutexGuard<'_, Mask> {
        self.0.mask.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for CallLog {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = &self.0.identity;
        formatter.debug_tuple("CallLog").field(identity).finish()
    }
}

impl wit::Host for &CallLog {
    fn write(
        &mut self,
        level: wit::Level,
        message: String,
        detail: Option<String>,
    ) -> wasmtime::Result<()> {
        let level = match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        CallLog::write(self, level, Origin::Log, &message, detail.as_deref());
        Ok(())
    }
}

/// Links the interface; `view` borrows a [`CallLog`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> &CallLog,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, LogData>(linker, view)
}

struct LogData;

impl HasData for LogData {
    type Data<'a> = &'a CallLog;
}
