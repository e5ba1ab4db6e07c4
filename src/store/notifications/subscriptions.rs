//! Who wants which notifications.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::ids::{AppName, UserId};

/// A notification that can be subscribed to, or was.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct SubscribableRow {
    pub(crate) app: AppName,
    pub(crate) action: String,
    /// None of these where the app does not declare the action any more.
    pub(crate) app_display_name: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) required_permission: Option<String>,
    /// Whether the app can be called.
    pub(crate) enabled: bool,
    /// When the user subscribed; none where the user did not.
    pub(crate) subscribed_at: Option<OffsetDateTime>,
}

/// An action as its app declares it now.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct DeclaredRow {
    pub(crate) required_permission: Option<String>,
}

/// The action of an app that has gone live.
pub(crate) async fn find_declared(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    action: &str,
) -> sqlx::Result<Option<DeclaredRow>> {
    sqlx::query_as(
        "SELECT required_permission FROM declared_notifications WHERE app = $1 AND action = $2",
    )
    .bind(app)
    .bind(action)
    .fetch_optional(executor)
    .await
}

/// Subscribes a user, from now on. One that is subscribed stays so.
pub(crate) async fn put(
    executor: impl PgExecutor<'_>,
    user: UserId,
    app: &AppName,
    action: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO subscriptions (user_id, app, action, after, created_at)
         VALUES ($1, $2, $3, (SELECT coalesce(max(id), 0) FROM notifications), $4)
         ON CONFLICT DO NOTHING",
    )
    .bind(user)
    .bind(app)
    .bind(action)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Ends a subscription. False where there is none.
pub(crate) async fn delete(
    executor: impl PgExecutor<'_>,
    user: UserId,
    app: &AppName,
    action: &str,
) -> sqlx::Result<bool> {
    let gone =
        sqlx::query("DELETE FROM subscriptions WHERE user_id = $1 AND app = $2 AND action = $3")
            .bind(user)
            .bind(app)
            .bind(action)
            .execute(executor)
            .await?;
    Ok(gone.rows_affected() > 0)
}

/// Everything that is declared, and what the user is subscribed to, by app and action.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    user: UserId,
    app: Option<&AppName>,
) -> sqlx::Result<Vec<SubscribableRow>> {
    sqlx::query_as(
        "SELECT coalesce(declared.app, own.app) AS app,
             coalesce(declared.action, own.action) AS action, declared.app_display_name, declared.display_name, declared.description,
             declared.required_permission, coalesce(declared.enabled, FALSE) AS enabled,
             own.created_at AS subscribed_at
         FROM (SELECT * FROM declared_notifications WHERE $2::text IS NULL OR app = $2) AS declared
         FULL JOIN (
             SELECT * FROM subscriptions
             WHERE user_id = $1 AND ($2::text IS NULL OR app = $2)
         ) AS own ON own.app = declared.app AND own.action = declared.action
         ORDER BY coalesce(declared.app, own.app),
             coalesce(declared.action, own.action) COLLATE \"C\"",
    )
    .bind(user)
    .bind(app)
    .fetch_all(executor)
    .await
}

/// Everybody who is subscribed to an action.
pub(crate) async fn subscribers(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    action: &str,
) -> sqlx::Result<Vec<UserId>> {
    sqlx::query_scalar("SELECT user_id FROM subscriptions WHERE app = $1 AND action = $2")
        .bind(app)
        .bind(action)
        .fetch_all(executor)
        .await
}
