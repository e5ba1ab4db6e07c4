//! The only reader of the system's clock.

#[cfg(test)]
use std::sync::{Arc, Mutex, PoisonError};
#[cfg(test)]
use std::time::Duration;

use time::OffsetDateTime;

/// The current time, from the system or, in tests, set by hand.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    #[cfg(test)]
    Manual(Arc<Mutex<OffsetDateTime>>),
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    #[cfg(test)]
    pub(crate) fn manual(start: OffsetDateTime) -> Self {
        Self(Source::Manual(Arc::new(Mutex::new(start))))
    }

    /// The time now, in UTC, to the microsecond, as PostgreSQL keeps it.
    pub(crate) fn now(&self) -> OffsetDateTime {
        let now = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Source::System => OffsetDateTime::now_utc(),
            #[cfg(test)]
            Source::Manual(time) => *time.lock().unwrap_or_else(PoisonError::into_inner),
        };
        now.replace_microsecond(now.microsecond()).unwrap_or(now)
    }

    /// Moves a manual clock; a system clock moves by itself.
    #[cfg(test)]
    pub(crate) fn advance(&self, by: Duration) {
        if let Source::Manual(time) = &self.0 {
            *time.lock().unwrap_or_else(PoisonError::into_inner) += by;
        }
    }
}
