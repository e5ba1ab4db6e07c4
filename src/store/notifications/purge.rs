//! Deleting notifications that are old or too many, and remembering that they were there.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::ids::AppName;

/// Takes the right to purge until the transaction ends. False where another node has it.
pub(crate) async fn lock(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT pg_try_advisory_xact_lock(hashtextextended('skep notifications purge', 0))",
    )
    .fetch_one(connection)
    .await
}

/// Deletes some of those that were triggered before a time; says how many.
pub(crate) async fn delete_older(
    executor: impl PgExecutor<'_>,
    than: OffsetDateTime,
    chunk: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM notifications
             WHERE id IN (
                 SELECT id FROM notifications WHERE triggered_at < $1
                 ORDER BY triggered_at LIMIT $2
             )
             RETURNING app, id
         ), noted AS (
             INSERT INTO notification_purges (app, up_to)
             SELECT app, max(id) FROM gone GROUP BY app
             ON CONFLICT (app) DO UPDATE
             SET up_to = greatest(notification_purges.up_to, excluded.up_to)
         )
         SELECT count(*) FROM gone",
    )
    .bind(than)
    .bind(chunk)
    .fetch_one(executor)
    .await
}

/// The apps that have more notifications than the ceiling, each with the newest that is over it.
pub(crate) async fn over_ceiling(
    executor: impl PgExecutor<'_>,
    ceiling: i64,
) -> sqlx::Result<Vec<(AppName, i64)>> {
    sqlx::query_as(
        "SELECT apps.name, over.id
         FROM apps
         CROSS JOIN LATERAL (
             SELECT id FROM notifications WHERE app = apps.name
             ORDER BY id DESC OFFSET $1 LIMIT 1
         ) AS over",
    )
    .bind(ceiling)
    .fetch_all(executor)
    .await
}

/// Deletes some of an app's notifications up to this one, the oldest first; says how many.
pub(crate) async fn delete_up_to(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    id: i64,
    chunk: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM notifications
             WHERE id IN (
                 SELECT id FROM notifications WHERE app = $1 AND id <= $2 ORDER BY id LIMIT $3
             )
             RETURNING id
         ), noted AS (
             INSERT INTO notification_purges (app, up_to)
             SELECT $1, max(id) FROM gone HAVING count(*) > 0
             ON CONFLICT (app) DO UPDATE
             SET up_to = greatest(notification_purges.up_to, excluded.up_to)
         )
         SELECT count(*) FROM gone",
    )
    .bind(app)
    .bind(id)
    .bind(chunk)
    .fetch_one(executor)
    .await
}

/// How many were triggered before a time, or are over the ceiling of their app.
pub(crate) async fn count_surplus(
    executor: impl PgExecutor<'_>,
    than: OffsetDateTime,
    ceiling: i64,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT count(*)
         FROM notifications
         WHERE triggered_at < $1 OR id <= (
             SELECT over.id FROM notifications AS over
             WHERE over.app = notifications.app
             ORDER BY over.id DESC OFFSET $2 LIMIT 1
         )",
    )
    .bind(than)
    .bind(ceiling)
    .fetch_one(executor)
    .await
}
