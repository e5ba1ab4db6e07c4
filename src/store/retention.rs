//! How much there is of what is kept, and the right to purge it.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// How much there is of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Measure {
    pub(crate) rows: i64,
    /// On the disk, indexes included.
    pub(crate) bytes: i64,
    pub(crate) oldest: Option<OffsetDateTime>,
}

/// Takes the right to purge something until the transaction ends. False where another node has
/// it.
pub(crate) async fn lock(connection: &mut PgConnection, kind: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended('skep purge ' || $1, 0))")
        .bind(kind)
        .fetch_one(connection)
        .await
}

pub(crate) async fn calls(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, pg_total_relation_size('calls') AS bytes,
            min(started_at) AS oldest
         FROM calls",
    )
    .fetch_one(executor)
    .await
}

pub(crate) async fn logs(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT
            (SELECT coalesce(sum(rows), 0)::bigint FROM log_sizes) AS rows,
            pg_total_relation_size('logs') + pg_total_relation_size('log_sizes') AS bytes,
            (
                SELECT min(first.at)
                FROM log_sizes
                CROSS JOIN LATERAL (
                    SELECT at FROM logs WHERE logs.app = log_sizes.app ORDER BY at LIMIT 1
                ) AS first
            ) AS oldest",
    )
    .fetch_one(executor)
    .await
}

/// Finished jobs; the bytes are those of all.
pub(crate) async fn jobs(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, min(finished_at) AS oldest,
            (
                SELECT sum(pg_total_relation_size(name::regclass))::bigint
                FROM unnest(ARRAY['jobs', 'job_attempts', 'job_pulses', 'job_progress']) AS name
            ) AS bytes
         FROM jobs
         WHERE finished_at IS NOT NULL",
    )
    .fetch_one(executor)
    .await
}

/// Notifications; the bytes are also those of what webhooks have sent.
pub(crate) async fn notifications(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, min(triggered_at) AS oldest,
            pg_total_relation_size('notifications')
            + pg_total_relation_size('webhook_deliveries') AS bytes
         FROM notifications",
    )
    .fetch_one(executor)
    .await
}

pub(crate) async fn credential_reads(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, pg_total_relation_size('credential_reads') AS bytes,
            min(at) AS oldest
         FROM credential_reads",
    )
    .fetch_one(executor)
    .await
}

/// Releases, with the bundles and components behind them.
pub(crate) async fn releases(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, min(created_at) AS oldest,
            pg_total_relation_size('releases') + pg_total_relation_size('blobs')
            + pg_total_relation_size('builds') AS bytes
         FROM releases",
    )
    .fetch_one(executor)
    .await
}

pub(crate) async fn audit(executor: impl PgExecutor<'_>) -> sqlx::Result<Measure> {
    sqlx::query_as(
        "SELECT count(*) AS rows, pg_total_relation_size('audit') AS bytes,
            min(at) AS oldest
         FROM audit",
    )
    .fetch_one(executor)
    .await
}
