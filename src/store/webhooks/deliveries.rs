//! What is sent by webhooks: queued with the notification, leased by the node that sends it, and
//! kept for a while when it is over.

use std::time::Duration;

use sqlx::PgExecutor;
use sqlx::postgres::types::PgInterval;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::{AppName, JobId};

/// A delivery that this node is to send now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct Claimed {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) webhook: Uuid,
    pub(crate) app: AppName,
    pub(crate) url: String,
    pub(crate) action: String,
    /// None of a test.
    pub(crate) notification: Option<i64>,
    pub(crate) payload: String,
    pub(crate) job_id: Option<JobId>,
    pub(crate) triggered_at: OffsetDateTime,
    /// This one included.
    pub(crate) attempts: i32,
}

/// A delivery as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct DeliveryRow {
    pub(crate) seq: i64,
    pub(crate) id: Uuid,
    pub(crate) action: String,
    pub(crate) notification: Option<i64>,
    pub(crate) state: String,
    pub(crate) attempts: i32,
    pub(crate) due_at: OffsetDateTime,
    pub(crate) status: Option<i32>,
    pub(crate) error: Option<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) finished_at: Option<OffsetDateTime>,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tried {
    /// What the receiver answered, if it did.
    pub(crate) status: Option<i32>,
    pub(crate) error: Option<String>,
    pub(crate) next: Next,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Delivered,
    Again(Duration),
    Failed,
}

/// Queues a delivery that is no notification's.
pub(crate) async fn put_test(
    executor: impl PgExecutor<'_>,
    id: Uuid,
    webhook: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webhook_deliveries (id, webhook, action, payload, triggered_at, state,
             attempts, due_at, created_at)
         VALUES ($1, $2, 'test', '{}', $3, 'pending', 0, clock_timestamp(), clock_timestamp())",
    )
    .bind(id)
    .bind(webhook)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Takes some that are due, for so long. Those of webhooks that are busy are left.
pub(crate) async fn claim(
    executor: impl PgExecutor<'_>,
    busy: &[Uuid],
    lease: Duration,
    most: i64,
) -> sqlx::Result<Vec<Claimed>> {
    sqlx::query_as(
        "UPDATE webhook_deliveries AS delivery
         SET attempts = attempts + 1, due_at = clock_timestamp() + $2
         FROM webhooks
         WHERE webhooks.id = delivery.webhook AND delivery.seq IN (
             SELECT seq
             FROM webhook_deliveries
             WHERE state = 'pending' AND due_at <= clock_timestamp() AND webhook <> ALL ($1)
             ORDER BY due_at
             LIMIT $3
             FOR UPDATE SKIP LOCKED
         )
         RETURNING delivery.seq, delivery.id, delivery.webhook, webhooks.app, webhooks.url,
             delivery.action, delivery.notification, coalesce(delivery.payload, '{}') AS payload,
             delivery.job_id, delivery.triggered_at, delivery.attempts",
    )
    .bind(busy)
    .bind(interval(lease))
    .bind(most)
    .fetch_all(executor)
    .await
}

/// Writes down how a try ended, unless another node has taken it over meanwhile.
pub(crate) async fn settle(
    executor: impl PgExecutor<'_>,
    claimed: &Claimed,
    tried: &Tried,
) -> sqlx::Result<()> {
    let (state, pause) = match tried.next {
        Next::Delivered => ("delivered", Duration::ZERO),
        Next::Failed => ("failed", Duration::ZERO),
        Next::Again(pause) => ("pending", pause),
    };
    sqlx::query(
        "UPDATE webhook_deliveries
         SET state = $3, due_at = clock_timestamp() + $4, status = $5, error = $6,
             payload = CASE WHEN $3 = 'pending' THEN payload END,
             finished_at = CASE WHEN $3 <> 'pending' THEN clock_timestamp() END
         WHERE seq = $1 AND attempts = $2 AND state = 'pending'",
    )
    .bind(claimed.seq)
    .bind(claimed.attempts)
    .bind(state)
    .bind(interval(pause))
    .bind(tried.status)
    .bind(&tried.error)
    .execute(executor)
    .await?;
    Ok(())
}

/// The deliveries of a webhook, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    webhook: Uuid,
    state: Option<&str>,
    before: Option<i64>,
    limit: i64,
) -> sqlx::Result<Vec<DeliveryRow>> {
    sqlx::query_as(
        "SELECT *
         FROM webhook_deliveries
         WHERE webhook = $1
             AND ($2::text IS NULL OR state = $2)
             AND ($3::bigint IS NULL OR seq < $3)
         ORDER BY seq DESC
         LIMIT $4",
    )
    .bind(webhook)
    .bind(state)
    .bind(before)
    .bind(limit)
    .fetch_all(executor)
    .await
}

/// Deletes some that have been over for so long; says how many.
pub(crate) async fn delete_finished(
    executor: impl PgExecutor<'_>,
    age: Duration,
    chunk: i64,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM webhook_deliveries
         WHERE seq IN (
             SELECT seq FROM webhook_deliveries
             WHERE finished_at < clock_timestamp() - $1
             ORDER BY finished_at
             LIMIT $2
         )",
    )
    .bind(interval(age))
    .bind(chunk)
    .execute(executor)
    .await?;
    Ok(done.rows_affected())
}

fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
