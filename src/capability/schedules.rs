//! The `schedules` capability: what an app is told of its own schedules.
//!
//! The interface is `wit/schedules.wit`; how often a call may ask is decided in [`policy`]; rows
//! are in `store::schedules`.

pub(crate) mod policy;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wasmtime::component::{HasData, Linker};

use crate::app::schedule::{self, Missed, Overlap};
use crate::bindings::skep::app::schedules as wit;
use crate::ids::AppName;
use crate::store::Store;
use crate::store::schedules::{self, Filter, ShownRow};
use policy::{TooManyReads, Uses};

/// One call's way to its app's schedules.
pub(crate) struct CallSchedules {
    pub(crate) store: Store,
    pub(crate) app: AppName,
    pub(crate) uses: Uses,
}

/// Why nothing was told.
#[expect(unreachable_pub, reason = "the generated bindings export it")]
#[derive(Debug, thiserror::Error)]
pub enum SchedulesError {
    #[error(transparent)]
    Refused(#[from] TooManyReads),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl wit::Host for CallSchedules {
    async fn get(&mut self, name: String) -> Result<Option<wit::Schedule>, SchedulesError> {
        self.uses.read()?;
        // No name has one, and the database takes none.
        if name.contains('\0') {
            return Ok(None);
        }
        let row = schedules::find(self.store.pool(), &self.app, &name).await?;
        Ok(row.map(told))
    }

    async fn all(&mut self) -> Result<Vec<wit::Schedule>, SchedulesError> {
        self.uses.read()?;
        let filter = Filter {
            app: Some(&self.app),
            limit: i64::try_from(schedule::MOST).unwrap_or(i64::MAX),
            ..Filter::default()
        };
        let rows = schedules::list(self.store.pool(), filter).await?;
        Ok(rows.into_iter().map(told).collect())
    }

    fn convert_error(&mut self, error: SchedulesError) -> wasmtime::Result<wit::Error> {
        Ok(match error {
            SchedulesError::Refused(refused) => wit::Error::OverLimit(refused.to_string()),
            SchedulesError::Database(cause) => {
                tracing::error!(app = %self.app, error = %cause, "schedules cannot be read");
                wit::Error::Unavailable
            }
        })
    }
}

fn told(shown: ShownRow) -> wit::Schedule {
    let row = shown.schedule;
    let written = |moment: OffsetDateTime| moment.format(&Rfc3339).ok();
    wit::Schedule {
        cron: row.cron().to_owned(),
        timezone: row.timezone().to_owned(),
        label: schedule::label(row.cron()).to_owned(),
        overridden: row.own.cron.is_some() || row.own.timezone.is_some(),
        paused: row.is_paused(),
        overlap: match row.overlap {
            Overlap::SkipIfRunning => wit::Overlap::SkipIfRunning,
            Overlap::QueueAfter => wit::Overlap::QueueAfter,
            Overlap::CancelActive => wit::Overlap::CancelActive,
        },
        missed: match row.missed {
            Missed::RunOnce => wit::Missed::RunOnce,
            Missed::Skip => wit::Missed::Skip,
        },
        next_run: row.next_fire_at.and_then(written),
        last_run: shown.success_at.and_then(written),
        active_job: shown.active_job.map(|job| job.to_string()),
        active_status: shown.active_status,
        name: row.name,
    }
}

/// Links the interface; `view` borrows a [`CallSchedules`] from whatever the store holds.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> &mut CallSchedules,
) -> wasmtime::Result<()> {
    wit::add_to_linker::<T, SchedulesData>(linker, view)
}

struct SchedulesData;

impl HasData for SchedulesData {
    type Data<'a> = &'a mut CallSchedules;
}

#[cfg(test)]
mod tests;
