//! Jobs: what is queued, and how each came out.
//!
//! What changes while one runs is in [`attempts`]. Times are the database's own; see the
//! migration for the order in which locks are taken.

pub(crate) mod attempts;

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::app::JobEntry;
use crate::ids::{AppName, JobId, UserId};

/// The channel on which nodes hear that there is work, or, with an id, that a job must stop.
pub(crate) const CHANNEL: &str = "skep_jobs";

/// A job as it is shown.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct JobRow {
    pub(crate) id: JobId,
    pub(crate) app: AppName,
    /// A [`JobEntry`] as text.
    pub(crate) entry: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) priority: i16,
    pub(crate) attempt: i32,
    pub(crate) progress_now: i16,
    pub(crate) progress_text_now: Option<String>,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) created_by: Option<UserId>,
    pub(crate) run_after: OffsetDateTime,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// One try at a job.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct AttemptRow {
    pub(crate) number: i32,
    pub(crate) node: String,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) ended_at: Option<OffsetDateTime>,
    pub(crate) outcome: Option<String>,
    pub(crate) error: Option<String>,
}

/// A job to be written down.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewJob<'a> {
    pub(crate) id: JobId,
    pub(crate) app: &'a AppName,
    /// What it calls.
    pub(crate) entry: &'a JobEntry,
    pub(crate) payload: &'a str,
    /// Unique for the app.
    pub(crate) key: Option<&'a str>,
    pub(crate) created_by: Option<UserId>,
    /// -1, 0 or 1; the highest goes first.
    pub(crate) priority: i16,
    pub(crate) settings: Settings,
}

/// What an app's manifest says of its jobs, in the numbers that a job's row keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) concurrency: i32,
    pub(crate) max_attempts: i32,
    pub(crate) retries: i32,
    pub(crate) backoff_ms: i32,
}

/// Which jobs to list, newest first.
#[derive(Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) app: Option<&'a AppName>,
    pub(crate) status: Option<&'a str>,
    /// One entry, or all of a kind: `execute`, `task` or `hook`.
    pub(crate) entry: Option<&'a str>,
    pub(crate) created_by: Option<UserId>,
    /// Only those that were queued before this one.
    pub(crate) before: Option<JobId>,
    pub(crate) limit: i64,
}

/// Writes a job down and wakes the nodes. What comes back is its id, or the id of the job that
/// has the key already.
pub(crate) async fn insert(executor: impl PgExecutor<'_>, job: NewJob<'_>) -> sqlx::Result<JobId> {
    sqlx::query_scalar("SELECT put_job($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)")
        .bind(job.id)
        .bind(job.app)
        .bind(job.payload)
        .bind(job.key)
        .bind(job.created_by)
        .bind(i32::from(job.priority))
        .bind(job.settings.concurrency)
        .bind(job.settings.max_attempts)
        .bind(job.settings.retries)
        .bind(job.settings.backoff_ms)
        .bind(job.entry.to_string())
        .fetch_one(executor)
        .await
}

/// How many hooks of an app wait, counted no further than `most`.
pub(crate) async fn waiting_hooks(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT FROM jobs
             WHERE app = $1 AND status = 'pending' AND entry LIKE 'hook %' LIMIT $2
         ) AS waiting",
    )
    .bind(app)
    .bind(most)
    .fetch_one(executor)
    .await
}

/// Whether a job calls this with this payload, to the letter.
pub(crate) async fn is_same(
    executor: impl PgExecutor<'_>,
    job: JobId,
    entry: &JobEntry,
    payload: &str,
) -> sqlx::Result<bool> {
    let same = "SELECT EXISTS (SELECT FROM jobs WHERE id = $1 AND entry = $2 AND payload = $3)";
    sqlx::query_scalar(same)
        .bind(job)
        .bind(entry.to_string())
        .bind(payload)
        .fetch_one(executor)
        .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    job: JobId,
) -> sqlx::Result<Option<JobRow>> {
    sqlx::query_as("SELECT * FROM jobs_now WHERE id = $1")
        .bind(job)
        .fetch_optional(executor)
        .await
}

/// The tries at a job, in order.
pub(crate) async fn attempts_of(
    executor: impl PgExecutor<'_>,
    job: JobId,
) -> sqlx::Result<Vec<AttemptRow>> {
    sqlx::query_as("SELECT * FROM job_attempts WHERE job = $1 ORDER BY number")
        .bind(job)
        .fetch_all(executor)
        .await
}

/// Jobs without their results, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    filter: Filter<'_>,
) -> sqlx::Result<Vec<JobRow>> {
    sqlx::query_as(
        "SELECT id, app, entry, status, reason, priority, attempt, progress_now, progress_text_now,
                NULL::text AS result, error, created_by, run_after, created_at, updated_at,
                finished_at
         FROM jobs_now
         WHERE ($1::text IS NULL OR app = $1)
           AND ($2::text IS NULL OR status = $2)
           AND ($3::uuid IS NULL OR created_by = $3)
           AND ($4::uuid IS NULL OR id < $4)
           AND ($6::text IS NULL OR entry = $6 OR split_part(entry, ' ', 1) = $6)
         ORDER BY id DESC
         LIMIT $5",
    )
    .bind(filter.app)
    .bind(filter.status)
    .bind(filter.created_by)
    .bind(filter.before)
    .bind(filter.limit)
    .bind(filter.entry)
    .fetch_all(executor)
    .await
}

/// Cancels a job that has not come to its end; false where it has. A node that runs it is told.
pub(crate) async fn cancel(connection: &mut PgConnection, job: JobId) -> sqlx::Result<bool> {
    // The attempt first, as whoever completes it does. Between the two a job may be claimed.
    loop {
        let attempt: Option<i32> = sqlx::query_scalar(
            "SELECT attempt FROM jobs WHERE id = $1 AND status IN ('pending', 'running')",
        )
        .bind(job)
        .fetch_optional(&mut *connection)
        .await?;
        let Some(attempt) = attempt else {
            return Ok(false);
        };
        attempts::end(connection, job, attempt, "cancelled", Some("cancelled")).await?;
        let cancelled = sqlx::query(
            "UPDATE jobs SET status = 'failed', reason = 'cancelled', error = 'cancelled',
                 (progress, progress_text) = (
                     SELECT progress_now, progress_text_now FROM jobs_now
                     WHERE jobs_now.id = jobs.id
                 ),
                 finished_at = clock_timestamp(), updated_at = clock_timestamp()
             WHERE id = $1 AND attempt = $2 AND status IN ('pending', 'running')",
        )
        .bind(job)
        .bind(attempt)
        .execute(&mut *connection)
        .await?;
        if cancelled.rows_affected() > 0 {
            notify(connection, &job.to_string()).await?;
            return Ok(true);
        }
    }
}

/// Queues a failed job again, with all its attempts anew; false where it has not failed.
pub(crate) async fn retry(connection: &mut PgConnection, job: JobId) -> sqlx::Result<bool> {
    let retried = sqlx::query(
        "UPDATE jobs SET status = 'pending', reason = NULL, error = NULL, result = NULL, spent = 0,
             failures = 0,
             progress = 0, progress_text = NULL, finished_at = NULL,
             run_after = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1 AND status = 'failed'",
    )
    .bind(job)
    .execute(&mut *connection)
    .await?;
    notify(connection, "").await?;
    Ok(retried.rows_affected() > 0)
}

/// How many jobs of an app wait, counted no further than `most`.
pub(crate) async fn waiting(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    most: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*) FROM (
             SELECT FROM jobs WHERE app = $1 AND status = 'pending' LIMIT $2
         ) AS waiting",
    )
    .bind(app)
    .bind(most)
    .fetch_one(executor)
    .await
}

/// Which finished jobs of an app are too many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surplus {
    /// Those that ended so long ago,
    pub(crate) seconds: i64,
    /// and those beyond so many.
    pub(crate) keep: i64,
    /// But not the newest success of what an app calls: it says since when the next one works.
    pub(crate) spare_newest: bool,
}

const SURPLUS: &str = "
    app = $1 AND finished_at IS NOT NULL
    AND (
        finished_at < clock_timestamp() - $2 * INTERVAL '1 second'
        OR finished_at < (
            SELECT newer.finished_at FROM jobs AS newer
            WHERE newer.app = $1 AND newer.finished_at IS NOT NULL
            ORDER BY newer.finished_at DESC OFFSET $3 - 1 LIMIT 1
        )
    )
    AND NOT ($4 AND status = 'completed' AND NOT EXISTS (
        SELECT FROM jobs AS newer
        WHERE newer.app = $1 AND newer.entry = jobs.entry AND newer.status = 'completed'
            AND (newer.finished_at, newer.id) > (jobs.finished_at, jobs.id)
    ))";

/// Deletes so many of an app's surplus jobs, the oldest first. What comes back is how many there
/// were.
///
/// A chunk at a time, so that nobody waits for it.
pub(crate) async fn purge(
    executor: impl PgExecutor<'_>,
    app: &str,
    surplus: Surplus,
    chunk: i64,
) -> sqlx::Result<u64> {
    let purge = format!(
        "DELETE FROM jobs WHERE id IN (
             SELECT id FROM jobs WHERE {SURPLUS} ORDER BY finished_at LIMIT $5
         )"
    );
    let purged = sqlx::query(sqlx::AssertSqlSafe(purge))
        .bind(app)
        .bind(surplus.seconds)
        .bind(surplus.keep)
        .bind(surplus.spare_newest)
        .bind(chunk)
        .execute(executor)
        .await?;
    Ok(purged.rows_affected())
}

/// How many jobs [`purge`] would delete of an app.
pub(crate) async fn count_surplus(
    executor: impl PgExecutor<'_>,
    app: &str,
    surplus: Surplus,
) -> sqlx::Result<i64> {
    let count = format!("SELECT count(*) FROM jobs WHERE {SURPLUS}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(count))
        .bind(app)
        .bind(surplus.seconds)
        .bind(surplus.keep)
        .bind(surplus.spare_newest)
        .fetch_one(executor)
        .await
}

/// The apps that have jobs.
pub(crate) async fn apps(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar(
        "SELECT name FROM apps WHERE EXISTS (SELECT FROM jobs WHERE jobs.app = apps.name)",
    )
    .fetch_all(executor)
    .await
}

/// Says a word on the channel: nothing for new work, an id for a job that must stop, a node's
/// name for a sign of life.
pub(crate) async fn notify(executor: impl PgExecutor<'_>, word: &str) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(word)
        .execute(executor)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests;
