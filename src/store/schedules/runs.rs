//! What became of the firings of schedules.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use super::{DueRow, ScheduleRow};
use crate::ids::{AppName, JobId};

/// Firings that are kept of each schedule, beside those whose job has not ended.
const KEPT: i64 = 100;
/// How a job has ended that did its work.
const COMPLETED: &str = "completed";

/// What became of a firing.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct RunRow {
    pub(crate) id: i64,
    pub(crate) fire_at: OffsetDateTime,
    pub(crate) missed_from: Option<OffsetDateTime>,
    pub(crate) requested_by: Option<String>,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) job: Option<JobId>,
    /// How the job is: `pending`, `running`, `completed`, or the reason why it failed.
    pub(crate) outcome: Option<String>,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) created_at: OffsetDateTime,
}

/// A firing to be written down.
#[derive(Debug, Clone)]
pub(crate) struct NewRun<'a> {
    pub(crate) fire_at: OffsetDateTime,
    pub(crate) missed_from: Option<OffsetDateTime>,
    pub(crate) requested_by: Option<&'a str>,
}

/// What was decided about a firing.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Outcome {
    Queued(JobId),
    Waiting,
    /// The word of the column `reason`.
    Skipped(&'static str),
}

/// A firing that waited and has its turn.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct ReadyRow {
    #[sqlx(flatten)]
    pub(crate) due: DueRow,
    pub(crate) run: i64,
    pub(crate) run_fire_at: OffsetDateTime,
    pub(crate) run_requested_by: Option<String>,
}

/// Whether it was decided before what becomes of a time: a clock may go back, or a crash undo
/// what was planned, but what was queued stays queued.
pub(crate) async fn is_decided(
    executor: impl PgExecutor<'_>,
    row: &ScheduleRow,
    fire_at: OffsetDateTime,
    key: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM schedule_runs
             WHERE app = $1 AND name = $2 AND fire_at = $3 AND requested_by IS NULL
         ) OR EXISTS (SELECT FROM jobs WHERE app = $1 AND idempotency_key = $4)",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(fire_at)
    .bind(key)
    .fetch_one(executor)
    .await
}

/// The jobs of a schedule that wait or run.
pub(crate) async fn active(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    name: &str,
) -> sqlx::Result<Vec<JobId>> {
    sqlx::query_scalar(
        "SELECT jobs.id FROM schedule_runs AS run
         JOIN jobs ON jobs.id = run.job
         WHERE run.app = $1 AND run.name = $2 AND jobs.status IN ('pending', 'running')
         ORDER BY run.id",
    )
    .bind(app)
    .bind(name)
    .fetch_all(executor)
    .await
}

/// Whether a firing waits for its turn.
pub(crate) async fn has_waiting(
    executor: impl PgExecutor<'_>,
    row: &ScheduleRow,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT FROM schedule_runs WHERE app = $1 AND name = $2 AND state = 'waiting'
         )",
    )
    .bind(&row.app)
    .bind(&row.name)
    .fetch_one(executor)
    .await
}

/// Writes a firing down, and forgets the oldest. What comes back is its number.
pub(crate) async fn record(
    connection: &mut PgConnection,
    row: &ScheduleRow,
    run: &NewRun<'_>,
    outcome: Outcome,
    now: OffsetDateTime,
) -> sqlx::Result<i64> {
    let (state, reason, job) = match outcome {
        Outcome::Queued(job) => ("queued", None, Some(job)),
        Outcome::Waiting => ("waiting", None, None),
        Outcome::Skipped(reason) => ("skipped", Some(reason), None),
    };
    let id = sqlx::query_scalar(
        "INSERT INTO schedule_runs (
             app, name, fire_at, missed_from, requested_by, state, reason, job, created_at
         )
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         RETURNING id",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(run.fire_at)
    .bind(run.missed_from)
    .bind(run.requested_by)
    .bind(state)
    .bind(reason)
    .bind(job)
    .bind(now)
    .fetch_one(&mut *connection)
    .await?;
    if let Some(job) = job {
        fired(connection, row, run.fire_at, job).await?;
    }
    forget_oldest(connection, row).await?;
    Ok(id)
}

async fn fired(
    connection: &mut PgConnection,
    row: &ScheduleRow,
    fire_at: OffsetDateTime,
    job: JobId,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE schedules SET last_fire_at = $3, last_job = $4 WHERE app = $1 AND name = $2",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(fire_at)
    .bind(job)
    .execute(connection)
    .await?;
    Ok(())
}

/// What has not come to its end is kept: the next firing is decided by it.
async fn forget_oldest(connection: &mut PgConnection, row: &ScheduleRow) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM schedule_runs AS old
         WHERE app = $1 AND name = $2 AND state <> 'waiting'
           AND id <= (
               SELECT id FROM schedule_runs WHERE app = $1 AND name = $2
               ORDER BY id DESC OFFSET $3 LIMIT 1
           )
           AND NOT EXISTS (
               SELECT FROM jobs
               WHERE jobs.id = old.job AND jobs.status IN ('pending', 'running')
           )",
    )
    .bind(&row.app)
    .bind(&row.name)
    .bind(KEPT)
    .execute(connection)
    .await?;
    Ok(())
}

/// Some firings that waited for jobs that have ended since, with their schedules. Until the
/// transaction ends nobody else gets them.
pub(crate) async fn ready(connection: &mut PgConnection, most: i64) -> sqlx::Result<Vec<ReadyRow>> {
    sqlx::query_as(
        "SELECT schedules.*, apps.enabled AS app_enabled, run.id AS run,
             run.fire_at AS run_fire_at, run.requested_by AS run_requested_by
         FROM schedule_runs AS run
         JOIN schedules ON schedules.app = run.app AND schedules.name = run.name
         JOIN apps ON apps.name = schedules.app
         WHERE run.state = 'waiting'
           AND NOT EXISTS (
               SELECT FROM schedule_runs AS other
               JOIN jobs ON jobs.id = other.job
               WHERE other.app = run.app AND other.name = run.name
                 AND jobs.status IN ('pending', 'running')
           )
         ORDER BY run.id
         LIMIT $1
         FOR NO KEY UPDATE OF schedules, run SKIP LOCKED
         FOR KEY SHARE OF apps SKIP LOCKED",
    )
    .bind(most)
    .fetch_all(connection)
    .await
}

/// Writes down the job of a firing that has waited.
pub(crate) async fn queued(
    connection: &mut PgConnection,
    ready: &ReadyRow,
    job: JobId,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE schedule_runs SET state = 'queued', job = $2 WHERE id = $1")
        .bind(ready.run)
        .bind(job)
        .execute(&mut *connection)
        .await?;
    fired(connection, &ready.due.schedule, ready.run_fire_at, job).await
}

/// Writes down how some jobs of schedules have ended, and says how many. Schedules that somebody else is at work on
/// are left for later.
pub(crate) async fn settle(connection: &mut PgConnection, most: i64) -> sqlx::Result<usize> {
    let ended: Vec<(i64, AppName, String, String, OffsetDateTime)> = sqlx::query_as(
        "SELECT run.id, run.app, run.name, coalesce(jobs.reason, jobs.status), jobs.finished_at
         FROM schedule_runs AS run
         JOIN jobs ON jobs.id = run.job
         JOIN schedules ON schedules.app = run.app AND schedules.name = run.name
         JOIN apps ON apps.name = schedules.app
         WHERE run.state = 'queued' AND run.outcome IS DISTINCT FROM 'completed'
           AND jobs.finished_at IS NOT NULL AND jobs.finished_at IS DISTINCT FROM run.ended_at
         LIMIT $1
         FOR NO KEY UPDATE OF schedules, run SKIP LOCKED
         FOR KEY SHARE OF apps SKIP LOCKED",
    )
    .bind(most)
    .fetch_all(&mut *connection)
    .await?;
    let settled = ended.len();
    for (run, app, name, outcome, ended_at) in ended {
        sqlx::query("UPDATE schedule_runs SET outcome = $2, ended_at = $3 WHERE id = $1")
            .bind(run)
            .bind(&outcome)
            .bind(ended_at)
            .execute(&mut *connection)
            .await?;
        if outcome == COMPLETED {
            sqlx::query(
                "UPDATE schedules SET last_success_at = greatest(last_success_at, $3)
                 WHERE app = $1 AND name = $2",
            )
            .bind(app)
            .bind(name)
            .bind(ended_at)
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(settled)
}

/// Firings of a schedule, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    name: &str,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<RunRow>> {
    sqlx::query_as(
        "SELECT run.id, run.fire_at, run.missed_from, run.requested_by, run.state, run.reason,
             run.job, run.created_at, coalesce(jobs.finished_at, run.ended_at) AS ended_at,
             coalesce(jobs.reason, jobs.status, run.outcome) AS outcome
         FROM schedule_runs AS run
         LEFT JOIN jobs ON jobs.id = run.job
         WHERE run.app = $1 AND run.name = $2 AND ($3::bigint IS NULL OR run.id < $3)
         ORDER BY run.id DESC
         LIMIT $4",
    )
    .bind(app)
    .bind(name)
    .bind(before)
    .bind(limit)
    .fetch_all(executor)
    .await
}
