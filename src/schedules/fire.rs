//! One firing: decided, queued and planned in the transaction that holds its schedule.

use sqlx::{Acquire, PgConnection};
use time::{Duration, OffsetDateTime};

use super::{RETRY, Schedules};
use crate::app::JobEntry;
use crate::app::schedule::{self, Admission, Busy};
use crate::ids::{AppName, JobId};
use crate::store::jobs::{self, NewJob};
use crate::store::schedules::runs::{self, NewRun, Outcome, ReadyRow};
use crate::store::schedules::{self, DueRow, Next, ScheduleRow};

/// What became of a firing that somebody has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fired {
    pub(crate) run: i64,
    /// None where it waits for the one before.
    pub(crate) job: Option<JobId>,
}

/// Why a firing that somebody has asked for was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotFired {
    #[error("the app `{0}` has no schedule `{1}`: see `skep schedules {0}`")]
    NotFound(AppName, String),
    #[error("a job of the schedule `{0}` waits or runs: cancel it, or wait for its end")]
    Running(String),
    #[error("a firing of the schedule `{0}` waits for its turn already")]
    Waiting(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Schedules {
    /// Fires one schedule that is due. One that fails does not keep the others from firing.
    pub(super) async fn fire_apart(
        &self,
        connection: &mut PgConnection,
        due: &DueRow,
        now: OffsetDateTime,
    ) -> sqlx::Result<()> {
        let row = &due.schedule;
        let mut apart = connection.begin().await?;
        match self.fire(&mut apart, due, now).await {
            Ok(()) => apart.commit().await,
            Err(error @ sqlx::Error::Database(_)) => {
                apart.rollback().await?;
                tracing::error!(app = %row.app, schedule = row.name, %error, "a schedule did not fire");
                let text = "it could not be fired: see the server's log";
                schedules::postpone(connection, row, text, now, now + RETRY).await
            }
            Err(error) => Err(error),
        }
    }

    async fn fire(
        &self,
        connection: &mut PgConnection,
        due: &DueRow,
        now: OffsetDateTime,
    ) -> sqlx::Result<()> {
        let row = &due.schedule;
        let (Some(planned), Ok(timing)) = (row.next_fire_at, row.timing()) else {
            return schedules::plan(connection, row, &row.next(now), now).await;
        };
        let grace = Duration::seconds(row.grace_seconds.into());
        let Some(firing) = schedule::due(&timing, row.missed, grace, planned, now) else {
            // A clock that was far ahead has planned it.
            return schedules::plan(connection, row, &row.next(now), now).await;
        };
        let run = NewRun {
            fire_at: timing.nominal(firing.at),
            missed_from: firing.missed_from.map(|from| timing.nominal(from)),
            requested_by: None,
        };
        let key = key_of(row, run.fire_at);
        if !runs::is_decided(&mut *connection, row, run.fire_at, &key).await? {
            let outcome = if !due.app_enabled {
                Outcome::Skipped("disabled")
            } else if firing.is_missed {
                Outcome::Skipped("missed")
            } else {
                match self.admit(connection, row, &key).await? {
                    Ok(outcome) => outcome,
                    Err(busy) => Outcome::Skipped(busy.word()),
                }
            };
            runs::record(connection, row, &run, outcome, now).await?;
        }
        let next = Next {
            at: firing.next,
            error: None,
        };
        schedules::plan(connection, row, &next, now).await
    }

    /// Fires a schedule because somebody asks for it, whether it is paused or not.
    pub(crate) async fn fire_now(
        &self,
        connection: &mut PgConnection,
        app: &AppName,
        name: &str,
        by: &str,
    ) -> Result<Fired, NotFired> {
        let row = schedules::lock(connection, app, name).await?;
        let row = row.ok_or_else(|| NotFired::NotFound(app.clone(), name.to_owned()))?;
        let now = schedules::now(&mut *connection).await?;
        let id = JobId(self.0.entropy.id(&self.0.clock));
        let key = format!("schedule:{name}:by hand:{id}");
        let outcome = match self.admit(connection, &row, &key).await? {
            Ok(outcome) => outcome,
            Err(Busy::Running) => return Err(NotFired::Running(row.name)),
            Err(Busy::Waiting) => return Err(NotFired::Waiting(row.name)),
        };
        let run = NewRun {
            fire_at: now,
            missed_from: None,
            requested_by: Some(by),
        };
        let run = runs::record(connection, &row, &run, outcome, now).await?;
        let job = match outcome {
            Outcome::Queued(job) => Some(job),
            Outcome::Waiting | Outcome::Skipped(_) => None,
        };
        Ok(Fired { run, job })
    }

    /// Does what the schedule's policy says of what overlaps, and queues the job.
    async fn admit(
        &self,
        connection: &mut PgConnection,
        row: &ScheduleRow,
        key: &str,
    ) -> sqlx::Result<Result<Outcome, Busy>> {
        let active = runs::active(&mut *connection, &row.app, &row.name).await?;
        let waiting = runs::has_waiting(&mut *connection, row).await?;
        match row.overlap.admit(!active.is_empty(), waiting) {
            Admission::Queue => {}
            Admission::CancelAndQueue => {
                for job in active {
                    jobs::cancel(connection, job).await?;
                }
            }
            Admission::Wait => {
                // The job that it waits for may end before this is committed, unheard of.
                schedules::notify(connection).await?;
                return Ok(Ok(Outcome::Waiting));
            }
            Admission::Skip(busy) => return Ok(Err(busy)),
        }
        let job = self.queue(connection, row, key).await?;
        Ok(Ok(Outcome::Queued(job)))
    }

    /// Queues the job of a firing that has waited for its turn. One that fails waits on, and
    /// false comes back.
    pub(super) async fn take_turn(
        &self,
        connection: &mut PgConnection,
        ready: &ReadyRow,
    ) -> sqlx::Result<bool> {
        let row = &ready.due.schedule;
        let key = match ready.run_requested_by {
            None => key_of(row, ready.run_fire_at),
            Some(_) => format!("schedule:{}:by hand:{}", row.name, ready.run),
        };
        let mut apart = connection.begin().await?;
        let queued = async {
            let job = self.queue(&mut apart, row, &key).await?;
            runs::queued(&mut apart, ready, job).await
        };
        match queued.await {
            Ok(()) => {
                apart.commit().await?;
                Ok(true)
            }
            Err(error @ sqlx::Error::Database(_)) => {
                tracing::error!(app = %row.app, schedule = row.name, %error, "a firing waits on");
                apart.rollback().await?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn queue(
        &self,
        connection: &mut PgConnection,
        row: &ScheduleRow,
        key: &str,
    ) -> sqlx::Result<JobId> {
        let job = NewJob {
            id: JobId(self.0.entropy.id(&self.0.clock)),
            app: &row.app,
            entry: &row.task.clone().map_or(JobEntry::Execute, JobEntry::Task),
            payload: &row.payload,
            key: Some(key),
            // Nobody: the app acts for itself.
            created_by: None,
            priority: 0,
            settings: row.job_settings(),
        };
        jobs::insert(connection, job).await
    }
}

/// Makes one job of a firing, whoever queues it and how often.
fn key_of(row: &ScheduleRow, fire_at: OffsetDateTime) -> String {
    let microseconds = fire_at.unix_timestamp_nanos() / 1_000;
    format!("schedule:{}:{microseconds}", row.name)
}
