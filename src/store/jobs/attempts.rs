//! Attempts: who works at a job now, until when, and what became of the others.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, PgExecutor};

use crate::app::JobEntry;
use crate::app::entry::UnknownEntry;
use crate::ids::{AppName, JobId, UserId};

/// What a node that asks for work gets.
#[derive(Debug)]
pub(crate) enum Claim {
    Job(Claimed),
    /// Another node was quicker with this app: ask again from there.
    Again(AppName),
    /// Nothing is ready, or no app has room.
    Nothing,
}

/// A job that this node works at from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claimed {
    pub(crate) job: JobId,
    pub(crate) app: AppName,
    /// The attempt's number, which fences all before it off.
    pub(crate) number: i32,
    pub(crate) entry: JobEntry,
    pub(crate) payload: String,
    pub(crate) created_by: Option<UserId>,
}

/// Who asks for work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    pub(crate) node: &'a str,
    /// The apps that this node cannot run yet.
    pub(crate) not_here: &'a [AppName],
    /// The app that had its turn last.
    pub(crate) after: &'a str,
    pub(crate) lease: Duration,
    /// SHA-256 of the attempt's secret.
    pub(crate) token: &'a [u8],
}

/// How often a job may be tried and what it has used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Counts {
    /// Attempts that count, this one included.
    pub(crate) spent: i32,
    /// Those that the app itself failed, before this one.
    pub(crate) failures: i32,
    pub(crate) max_attempts: i32,
    pub(crate) retries: i32,
    pub(crate) backoff_ms: i32,
}

/// What becomes of a job whose attempt ended without completing it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It waits for another attempt.
    Pending { delay: Duration },
    /// It has failed for good; the reason is one of the column's words.
    Failed { reason: &'static str },
}

/// Takes the next job, if there is one.
pub(crate) async fn claim(
    executor: impl PgExecutor<'_>,
    claimant: Claimant<'_>,
) -> sqlx::Result<Claim> {
    type Row = (
        Option<JobId>,
        AppName,
        Option<i32>,
        Option<String>,
        Option<UserId>,
        Option<String>,
    );
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, app, number, payload, created_by, entry FROM claim_job($1, $2, $3, $4, $5)",
    )
    .bind(claimant.node)
    .bind(claimant.not_here)
    .bind(claimant.after)
    .bind(interval(claimant.lease))
    .bind(claimant.token)
    .fetch_optional(executor)
    .await?;
    Ok(match row {
        None => Claim::Nothing,
        Some((Some(job), app, Some(number), Some(payload), created_by, Some(entry))) => {
            Claim::Job(Claimed {
                job,
                app,
                number,
                entry: entry
                    .parse()
                    .map_err(|error: UnknownEntry| sqlx::Error::Decode(error.into()))?,
                payload,
                created_by,
            })
        }
        Some((_, app, ..)) => Claim::Again(app),
    })
}

/// Extends the lease of the current attempt, by the database's clock; false where another one is
/// current, or none.
pub(crate) async fn beat(
    executor: impl PgExecutor<'_>,
    job: JobId,
    number: i32,
    lease: Duration,
) -> sqlx::Result<bool> {
    let beaten = sqlx::query(
        "UPDATE job_pulses AS pulse SET lease_until = clock_timestamp() + $3
         FROM job_attempts AS attempt
         WHERE pulse.job = $1 AND pulse.attempt = $2
           AND attempt.job = $1 AND attempt.number = $2 AND attempt.ended_at IS NULL",
    )
    .bind(job)
    .bind(number)
    .bind(interval(lease))
    .execute(executor)
    .await?;
    Ok(beaten.rows_affected() > 0)
}

/// Completes the current attempt where what it did is committed already; false where another
/// one is current, or none.
pub(crate) async fn complete(
    connection: &mut PgConnection,
    job: JobId,
    number: i32,
    result: &str,
) -> sqlx::Result<bool> {
    if !end(connection, job, number, "completed", None).await? {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE jobs SET status = 'completed', progress = 100, result = $2, error = NULL,
             finished_at = clock_timestamp(), updated_at = clock_timestamp()
         WHERE id = $1",
    )
    .bind(job)
    .bind(result)
    .execute(connection)
    .await?;
    Ok(true)
}

/// Writes down how the current attempt ended; false where it is not the current one any more.
/// From then on it commits nothing.
pub(super) async fn end(
    connection: &mut PgConnection,
    job: JobId,
    number: i32,
    outcome: &str,
    error: Option<&str>,
) -> sqlx::Result<bool> {
    let ended = sqlx::query(
        "UPDATE job_attempts SET ended_at = clock_timestamp(), outcome = $3, error = $4
         WHERE job = $1 AND number = $2 AND ended_at IS NULL",
    )
    .bind(job)
    .bind(number)
    .bind(outcome)
    .bind(error)
    .execute(connection)
    .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends an attempt that did not complete its job; none where it is not the current one any more.
/// Follow it with [`settle`] in the same transaction.
pub(crate) async fn give_up(
    connection: &mut PgConnection,
    job: JobId,
    number: i32,
    outcome: &str,
    error: &str,
) -> sqlx::Result<Option<Counts>> {
    if !end(connection, job, number, outcome, Some(error)).await? {
        return Ok(None);
    }
    counts(connection, job).await.map(Some)
}

async fn counts(connection: &mut PgConnection, job: JobId) -> sqlx::Result<Counts> {
    sqlx::query_as(
        "SELECT spent, failures, max_attempts, retries, backoff_ms FROM jobs WHERE id = $1
         FOR NO KEY UPDATE",
    )
    .bind(job)
    .fetch_one(connection)
    .await
}

/// What an attempt that did not complete its job leaves to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Said<'a> {
    pub(crate) error: &'a str,
    /// Of a hook that answered that it did not succeed.
    pub(crate) result: Option<&'a str>,
}

impl<'a> Said<'a> {
    pub(crate) fn error(error: &'a str) -> Self {
        Self {
            error,
            result: None,
        }
    }
}

/// Queues a job again, or ends it, after an attempt that used up what `counts` says now.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    job: JobId,
    counts: Counts,
    next: Next,
    said: Said<'_>,
) -> sqlx::Result<()> {
    let (status, reason, delay) = match next {
        Next::Pending { delay } => ("pending", None, delay),
        Next::Failed { reason } => ("failed", Some(reason), Duration::ZERO),
    };
    sqlx::query(
        "UPDATE jobs SET status = $2, reason = $3, error = CASE WHEN $2 = 'failed' THEN $4 END,
             result = CASE WHEN $2 = 'failed' THEN $8 END,
             spent = $5, failures = $6,
             (progress, progress_text) = (
                 SELECT
                     CASE WHEN $2 = 'failed' THEN progress_now ELSE 0 END,
                     CASE WHEN $2 = 'failed' THEN progress_text_now END
                 FROM jobs_now WHERE jobs_now.id = jobs.id
             ),
             run_after = CASE WHEN $2 = 'pending' THEN clock_timestamp() + $7 ELSE run_after END,
             finished_at = CASE WHEN $2 = 'failed' THEN clock_timestamp() END,
             updated_at = clock_timestamp()
         WHERE id = $1",
    )
    .bind(job)
    .bind(status)
    .bind(reason)
    .bind(said.error)
    .bind(counts.spent)
    .bind(counts.failures)
    .bind(interval(delay))
    .bind(said.result)
    .execute(&mut *connection)
    .await?;
    if delay.is_zero() {
        super::notify(connection, "").await?;
    }
    Ok(())
}

/// Ends some attempts whose lease has run out, and says which jobs they were of. Attempts that
/// are just being committed are left to that.
///
/// Each must be followed by [`settle`] in the same transaction.
pub(crate) async fn end_expired(
    connection: &mut PgConnection,
    most: i64,
) -> sqlx::Result<Vec<(JobId, Counts)>> {
    let jobs: Vec<JobId> = sqlx::query_scalar(
        "UPDATE job_attempts AS lost
         SET ended_at = clock_timestamp(), outcome = 'lost', error = $2
         FROM (
             SELECT attempt.job, attempt.number
             FROM jobs
             JOIN job_pulses AS pulse ON pulse.job = jobs.id AND pulse.attempt = jobs.attempt
             JOIN job_attempts AS attempt
                 ON attempt.job = jobs.id AND attempt.number = jobs.attempt
             WHERE jobs.status = 'running' AND pulse.lease_until < clock_timestamp()
               AND attempt.ended_at IS NULL
             ORDER BY pulse.lease_until
             LIMIT $1
             FOR UPDATE OF attempt SKIP LOCKED
         ) AS expired
         WHERE lost.job = expired.job AND lost.number = expired.number AND lost.ended_at IS NULL
         RETURNING lost.job",
    )
    .bind(most)
    .bind(LOST)
    .fetch_all(&mut *connection)
    .await?;
    let mut expired = Vec::with_capacity(jobs.len());
    for job in jobs {
        expired.push((job, counts(connection, job).await?));
    }
    Ok(expired)
}

/// What the history says of an attempt whose node was not heard of any more.
pub(crate) const LOST: &str = "the node that ran it was not heard of any more";

fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
