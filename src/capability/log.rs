//! The `log` capability: lines in the app's own log.
//!
//! The interface is `wit/log.wit`. How much an app may write is decided in [`policy`].
//! What it prints goes the same way, through [`stdio`].

pub(crate) mod policy;
pub(crate) mod stdio;

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{HasData, Linker};

use crate::bindings::skep::app::log as wit;
use crate::ids::{AppName, CallId, ReleaseId};

use policy::{Admitted, LogBudget, Most};

/// Where the lines of one call go: the host's own log, with the call's identity on each.
///
/// Cheap to clone; the clones share one budget, because what an app prints counts too.
#[derive(Clone, Debug)]
pub(crate) struct CallLog {
    identity: Arc<Identity>,
    budget: Arc<Mutex<LogBudget>>,
}

#[derive(Debug)]
struct Identity {
    app: AppName,
    release: ReleaseId,
    call: CallId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl CallLog {
    pub(crate) fn new(app: AppName, release: ReleaseId, call: CallId, most: Most) -> Self {
        Self {
            identity: Arc::new(Identity { app, release, call }),
            budget: Arc::new(Mutex::new(LogBudget::new(most))),
        }
    }

    /// Writes one line, as far as the call's budget goes.
    pub(crate) fn write(&self, level: Level, source: &str, message: &str, detail: Option<&str>) {
        let message = policy::cut(message, policy::MESSAGE_BYTES);
        let detail = detail.map(|detail| policy::cut(detail, policy::DETAIL_BYTES));
        let bytes = message.len() + detail.map_or(0, str::len);
        let admitted = self
            .budget
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .admit(bytes);
        match admitted {
            Admitted::Yes => self.emit(level, source, message, detail),
            Admitted::Last(words) => self.emit(Level::Warn, "skep", &words, None),
            Admitted::No => {}
        }
    }

    /// How many lines the app has written so far, those over the limit left out.
    pub(crate) fn lines(&self) -> u32 {
        self.budget
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .written()
    }

    /// Writes how the call ended, which its author must learn whatever it has written before.
    pub(crate) fn conclude(&self, message: &str, detail: Option<&str>) {
        let message = policy::cut(message, policy::MESSAGE_BYTES);
        let detail = detail.map(|detail| policy::cut(detail, policy::DETAIL_BYTES));
        self.emit(Level::Error, "call", message, detail);
    }

    /// Writes a line of the host's own, which an app cannot use up.
    pub(crate) fn host(&self, level: Level, source: &str, message: &str) {
        self.emit(
            level,
            source,
            policy::cut(message, policy::MESSAGE_BYTES),
            None,
        );
    }

    fn emit(&self, level: Level, source: &str, message: &str, detail: Option<&str>) {
        let Identity { app, release, call } = &*self.identity;
        let detail = detail.unwrap_or_default();
        let message = policy::single_line(message);
        // `tracing` needs its level at compile time.
        macro_rules! emit {
            ($level:ident) => {
                tracing::$level!(target: "skep::app", %app, %release, %call, source, detail, "{message}")
            };
        }
        match level {
            Level::Debug => emit!(debug),
            Level::Info => emit!(info),
            Level::Warn => emit!(warn),
            Level::Error => emit!(error),
        }
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
        CallLog::write(self, level, "log", &message, detail.as_deref());
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
