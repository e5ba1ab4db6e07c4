//! Schedules: what is declared, what operators say instead, and when each fires next.
//!
//! What became of their firings is in [`runs`]. Times are the database's own; see the migration
//! for the order in which locks are taken.

mod declare;
pub(crate) mod runs;

use sqlx::{PgConnection, PgExecutor};
use time::{Duration, OffsetDateTime};

use super::jobs::Settings;
use crate::app::schedule::{BadTiming, Missed, Overlap, Timing};
use crate::ids::{AppName, JobId};

pub(crate) use declare::declare;

/// The channel on which nodes hear that something about schedules has changed.
pub(crate) const CHANNEL: &str = "skep_schedules";

/// How far the database's clock may go back unnoticed: nothing is lost by that, because times up
/// to the one before are decided already. What a clock that was far ahead has planned is.
const CLOCK_STEP: Duration = Duration::minutes(1);

/// A schedule of an app's active release.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ScheduleRow {
    pub(crate) app: AppName,
    pub(crate) name: String,
    /// These two are what is declared; what counts is told by [`ScheduleRow::cron`].
    cron: String,
    timezone: String,
    /// The task that is called; `execute` if there is none.
    pub(crate) task: Option<String>,
    pub(crate) payload: String,
    #[sqlx(try_from = "String")]
    pub(crate) missed: Missed,
    pub(crate) grace_seconds: i32,
    #[sqlx(try_from = "String")]
    pub(crate) overlap: Overlap,
    pub(crate) jitter_seconds: i32,
    /// Whether it fires where nobody has paused or resumed it.
    pub(crate) enabled: bool,
    concurrency: i32,
    max_attempts: i32,
    retries: i32,
    backoff_ms: i32,
    #[sqlx(flatten)]
    pub(crate) own: Own,
    pub(crate) changed_by: Option<String>,
    pub(crate) changed_at: Option<OffsetDateTime>,
    pub(crate) next_fire_at: Option<OffsetDateTime>,
    pub(crate) last_error: Option<String>,
    pub(crate) last_fire_at: Option<OffsetDateTime>,
    pub(crate) last_job: Option<JobId>,
}

/// What an operator has said instead of what is declared.
#[derive(Debug, Clone, PartialEq, Eq, Default, sqlx::FromRow)]
pub(crate) struct Own {
    #[sqlx(rename = "own_cron")]
    pub(crate) cron: Option<String>,
    #[sqlx(rename = "own_timezone")]
    pub(crate) timezone: Option<String>,
    #[sqlx(rename = "own_paused")]
    pub(crate) paused: Option<bool>,
}

/// A schedule as it is shown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ShownRow {
    #[sqlx(flatten)]
    pub(crate) schedule: ScheduleRow,
    /// When a job of it was last completed.
    pub(crate) success_at: Option<OffsetDateTime>,
    /// The newest of its jobs that wait or run.
    pub(crate) active_job: Option<JobId>,
    pub(crate) active_status: Option<String>,
    pub(crate) waiting: bool,
    pub(crate) app_enabled: bool,
}

/// A schedule that is due, with whether its app can be called.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct DueRow {
    #[sqlx(flatten)]
    pub(crate) schedule: ScheduleRow,
    pub(crate) app_enabled: bool,
}

/// Which schedules to list, by app and name.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) app: Option<&'a AppName>,
    pub(crate) paused: Option<bool>,
    /// Only those that could not fire.
    pub(crate) failing: bool,
    /// Only those behind this one.
    pub(crate) after: Option<(&'a AppName, &'a str)>,
    pub(crate) limit: i64,
}

const SHOWN: &str = "SELECT schedules.*, active.id AS active_job, active.status AS active_status,
        greatest(schedules.last_success_at, done.finished_at) AS success_at,
        EXISTS (
            SELECT FROM schedule_runs AS run
            WHERE run.app = schedules.app AND run.name = schedules.name AND run.state = 'waiting'
        ) AS waiting,
        (SELECT apps.enabled FROM apps WHERE apps.name = schedules.app) AS app_enabled
     FROM schedules
     LEFT JOIN jobs AS done ON done.id = schedules.last_job AND done.status = 'completed'
     LEFT JOIN LATERAL (
        SELECT jobs.id, jobs.status
        FROM schedule_runs AS run
        JOIN jobs ON jobs.id = run.job
        WHERE run.app = schedules.app AND run.name = schedules.name
          AND run.outcome IS DISTINCT FROM 'completed'
          AND jobs.status IN ('pending', 'running')
        ORDER BY run.id DESC
        LIMIT 1
     ) AS active ON TRUE";

/// When a schedule fires next, and what keeps it from that.
#[derive(Debug, Clone, Default)]
pub(crate) struct Next {
    pub(crate) at: Option<OffsetDateTime>,
    pub(crate) error: Option<String>,
}

impl ScheduleRow {
    /// The cron expression that counts.
    pub(crate) fn cron(&self) -> &str {
        self.own.cron.as_deref().unwrap_or(&self.cron)
    }

    /// The time zone that counts.
    pub(crate) fn timezone(&self) -> &str {
        self.own.timezone.as_deref().unwrap_or(&self.timezone)
    }

    pub(crate) fn declared_cron(&self) -> &str {
        &self.cron
    }

    pub(crate) fn declared_timezone(&self) -> &str {
        &self.timezone
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.own.paused.unwrap_or(!self.enabled)
    }

    /// How its jobs are run.
    pub(crate) fn job_settings(&self) -> Settings {
        Settings {
            concurrency: self.concurrency,
            max_attempts: self.max_attempts,
            retries: self.retries,
            backoff_ms: self.backoff_ms,
        }
    }

    /// When it fires. What was good once may not be any more: zones come and go.
    pub(crate) fn timing(&self) -> Result<Timing, BadTiming> {
        let timing = Timing::parse(self.cron(), self.timezone())?;
        let jitter = u32::try_from(self.jitter_seconds).unwrap_or_default();
        Ok(timing.spread(jitter, self.app.as_str(), &self.name))
    }

    /// When it fires next after a moment, as things are.
    pub(crate) fn next(&self, now: OffsetDateTime) -> Next {
        if self.is_paused() {
            return Next::default();
        }
        match self.timing() {
            Ok(timing) => Next {
                at: timing.after(now),
                error: None,
            },
            Err(bad) => Next {
                at: None,
                error: Some(bad.to_string()),
            },
        }
    }

    /// Whether it fires at the times of another.
    fn fires_as(&self, other: &Self) -> bool {
        let times = |row: &Self| {
            (
                row.cron().to_owned(),
                row.timezone().to_owned(),
                row.jitter_seconds,
                row.is_paused(),
            )
        };
        times(self) == times(other)
    }
}

/// The time by the database's clock, not that of the transaction's beginning.
pub(crate) async fn now(executor: impl PgExecutor<'_>) -> sqlx::Result<OffsetDateTime> {
    sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(executor)
        .await
}

/// Schedules by app and name.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter<'_>,
) -> sqlx::Result<Vec<ShownRow>> {
    let (after_app, after_name) = filter.after.unzip();
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{SHOWN}
         WHERE ($1::text IS NULL OR schedules.app = $1)
           AND ($2::boolean IS NULL OR coalesce(own_paused, NOT enabled) = $2)
           AND (NOT $3 OR last_error IS NOT NULL)
           AND ($4::text IS NULL OR (schedules.app, schedules.name) > ($4, $5))
         ORDER BY schedules.app, schedules.name
         LIMIT $6"
    )))
    .bind(filter.app)
    .bind(filter.paused)
    .bind(filter.failing)
    .bind(after_app)
    .bind(after_name)
    .bind(filter.limit)
    .fetch_all(executor)
    .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    name: &str,
) -> sqlx::Result<Option<ShownRow>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!(
        "{SHOWN} WHERE schedules.app = $1 AND schedules.name = $2"
    )))
    .bind(app)
    .bind(name)
    .fetch_optional(executor)
    .await
}

/// A schedule, for a change: until the transaction ends nobody else changes or fires it.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    app: &AppName,
    name: &str,
) -> sqlx::Result<Option<ScheduleRow>> {
    sqlx::query("SELECT FROM apps WHERE name = $1 FOR KEY SHARE")
        .bind(app)
        .execute(&mut *connection)
        .await?;
    sqlx::query_as("SELECT * FROM schedules WHERE app = $1 AND name = $2 FOR NO KEY UPDATE")
        .bind(app)
        .bind(name)
        .fetch_optional(connection)
        .await
}

/// Some schedules whose time has come, or whose next time was worked out by a clock that has
/// gone back since, the longest due first. Until the transaction ends nobody else gets them.
pub(crate) async fn due(
    connection: &mut PgConnection,
    now: OffsetDateTime,
    most: i64,
) -> sqlx::Result<Vec<DueRow>> {
    // Whoever deletes an app locks it first, and then waits for what is locked here.
    sqlx::query_as(
        "SELECT schedules.*, apps.enabled AS app_enabled
         FROM schedules
         JOIN apps ON apps.name = schedules.app
         WHERE coalesce(retry_at, next_fire_at) <= $1 OR planned_at > $3
         ORDER BY coalesce(retry_at, next_fire_at)
         LIMIT $2
         FOR NO KEY UPDATE OF schedules SKIP LOCKED
         FOR KEY SHARE OF apps SKIP LOCKED",
    )
    .bind(now)
    .bind(most)
    .bind(now + CLOCK_STEP)
    .fetch_all(connection)
    .await
}

/// For how many seconds nothing is due, by the database's clock. None where nothing ever is.
pub(crate) async fn idle_for(executor: impl PgExecutor<'_>) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar(
        "SELECT extract(
             epoch FROM min(coalesce(retry_at, next_fire_at)) - clock_timestamp()
         )::float8
         FROM schedules",
    )
    .fetch_one(executor)
    .await
}

/// Writes down when a schedule fires next.
pub(crate) async fn plan(
    executor: impl PgExecutor<'_>,
    row: &ScheduleRow,
    next: &Next,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE schedules
         SET next_fire_at = $3, last_error = $4, planned_at = $5, retry_at = NULL
         WHERE app = $1 AND name = $2",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(next.at)
    .bind(&next.error)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Writes down that a firing did not succeed, and when it is tried again.
pub(crate) async fn postpone(
    executor: impl PgExecutor<'_>,
    row: &ScheduleRow,
    error: &str,
    now: OffsetDateTime,
    retry_at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE schedules SET last_error = $3, planned_at = $4, retry_at = $5
         WHERE app = $1 AND name = $2",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(error)
    .bind(now)
    .bind(retry_at)
    .execute(executor)
    .await?;
    Ok(())
}

/// Writes down what an operator says instead of what is declared, and when the schedule fires
/// next with it.
pub(crate) async fn set_own(
    connection: &mut PgConnection,
    row: &ScheduleRow,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let next = row.next(now);
    sqlx::query(
        "UPDATE schedules
         SET own_cron = $3, own_timezone = $4, own_paused = $5, changed_by = $6, changed_at = $7,
             next_fire_at = $8, last_error = $9, planned_at = $7, retry_at = NULL
         WHERE app = $1 AND name = $2",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(&row.own.cron)
    .bind(&row.own.timezone)
    .bind(row.own.paused)
    .bind(by)
    .bind(now)
    .bind(next.at)
    .bind(next.error)
    .execute(&mut *connection)
    .await?;
    notify(connection).await
}

/// Wakes the nodes, once the transaction is committed.
pub(crate) async fn notify(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
