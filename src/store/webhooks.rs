//! Webhooks, and what is sent by them.

pub(crate) mod deliveries;

use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::AppName;

/// Where notifications of an app are sent.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct WebhookRow {
    pub(crate) id: Uuid,
    pub(crate) app: AppName,
    /// All of the app's, if none.
    pub(crate) action: Option<String>,
    pub(crate) url: String,
    pub(crate) created_by: String,
    pub(crate) created_at: OffsetDateTime,
}

/// Adds a webhook.
pub(crate) async fn insert(executor: impl PgExecutor<'_>, new: &WebhookRow) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webhooks (id, app, action, url, created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(&new.app)
    .bind(&new.action)
    .bind(&new.url)
    .bind(&new.created_by)
    .bind(new.created_at)
    .execute(executor)
    .await?;
    Ok(())
}

/// How many an app has.
pub(crate) async fn count(executor: impl PgExecutor<'_>, app: &AppName) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE app = $1")
        .bind(app)
        .fetch_one(executor)
        .await
}

/// The webhooks behind an id, of one app or of all, oldest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: Option<&AppName>,
    after: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<WebhookRow>> {
    sqlx::query_as(
        "SELECT *
         FROM webhooks
         WHERE ($1::text IS NULL OR app = $1) AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id
         LIMIT $3",
    )
    .bind(app)
    .bind(after)
    .bind(limit)
    .fetch_all(executor)
    .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    id: Uuid,
) -> sqlx::Result<Option<WebhookRow>> {
    sqlx::query_as("SELECT * FROM webhooks WHERE id = $1")
        .bind(id)
        .fetch_optional(executor)
        .await
}

/// Removes a webhook with what was sent by it. None where there is none.
pub(crate) async fn delete(
    executor: impl PgExecutor<'_>,
    id: Uuid,
) -> sqlx::Result<Option<WebhookRow>> {
    sqlx::query_as("DELETE FROM webhooks WHERE id = $1 RETURNING *")
        .bind(id)
        .fetch_optional(executor)
        .await
}
