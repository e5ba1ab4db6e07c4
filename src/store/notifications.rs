//! Notifications that apps fired: written once, read by every node in one order.

pub(crate) mod purge;
pub(crate) mod subscriptions;
#[cfg(test)]
pub(crate) mod tests;

use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::ids::{AppName, JobId, UserId};

/// The channel on which every node hears of new notifications. The payload is the newest id.
pub(crate) const CHANNEL: &str = "skep_notifications";

/// A notification to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewNotification {
    pub(crate) app: AppName,
    pub(crate) action: String,
    /// JSON text without line breaks.
    pub(crate) payload: String,
    pub(crate) triggered_at: OffsetDateTime,
}

/// A notification as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(crate) struct NotificationRow {
    pub(crate) id: i64,
    pub(crate) app: AppName,
    pub(crate) action: String,
    pub(crate) payload: String,
    pub(crate) job_id: Option<JobId>,
    pub(crate) triggered_at: OffsetDateTime,
    /// Whether the app is enabled and declares the action now.
    pub(crate) declared: bool,
    /// What a subscriber needs now.
    pub(crate) required_permission: Option<String>,
}

/// The next notifications, with what held when they were read.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: Vec<NotificationRow>,
    /// Changes with what anybody may do.
    pub(crate) rights: i64,
    /// Changes with who is subscribed to what.
    pub(crate) subscriptions: i64,
}

/// How much is read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) rows: i64,
    /// Bytes of payloads; the first that exceeds them is still read.
    pub(crate) bytes: i64,
}

/// Writes notifications in one transaction and tells every node. Those of apps that are gone, or
/// going, are left out.
pub(crate) async fn put(
    executor: impl PgExecutor<'_>,
    new: &[NewNotification],
) -> sqlx::Result<()> {
    let apps: Vec<&AppName> = new.iter().map(|new| &new.app).collect();
    let actions: Vec<&str> = new.iter().map(|new| new.action.as_str()).collect();
    let payloads: Vec<&str> = new.iter().map(|new| new.payload.as_str()).collect();
    let moments: Vec<OffsetDateTime> = new.iter().map(|new| new.triggered_at).collect();
    sqlx::query("SELECT put_notifications($1, $2, $3, NULL, $4)")
        .bind(apps)
        .bind(actions)
        .bind(payloads)
        .bind(moments)
        .execute(executor)
        .await?;
    Ok(())
}

/// Writes the notifications of a job, each an action and its payload. In the transaction that
/// completes the job, and the last thing in it.
pub(crate) async fn put_of_job(
    executor: impl PgExecutor<'_>,
    job: JobId,
    fired: impl Iterator<Item = (&str, &str)>,
) -> sqlx::Result<()> {
    let (actions, payloads): (Vec<&str>, Vec<&str>) = fired.unzip();
    if actions.is_empty() {
        return Ok(());
    }
    sqlx::query("SELECT put_job_notifications($1, $2, $3)")
        .bind(job)
        .bind(actions)
        .bind(payloads)
        .execute(executor)
        .await?;
    Ok(())
}

/// The newest id that there was; 0 where there never was one.
pub(crate) async fn newest(executor: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    // Those that were deleted count: the numbers go on.
    sqlx::query_scalar(
        "SELECT greatest(
             (SELECT max(id) FROM notifications), (SELECT max(up_to) FROM notification_purges), 0
         )",
    )
    .fetch_one(executor)
    .await
}

/// The notifications after one, oldest first, and the versions of what decides who gets them, all
/// as of one moment.
pub(crate) async fn next(
    executor: impl PgExecutor<'_>,
    after: i64,
    most: Most,
) -> sqlx::Result<Batch> {
    #[derive(sqlx::FromRow)]
    struct Row {
        rights: i64,
        subscriptions: i64,
        // Null where nothing is new.
        id: Option<i64>,
        app: Option<AppName>,
        action: Option<String>,
        payload: Option<String>,
        job_id: Option<JobId>,
        triggered_at: Option<OffsetDateTime>,
        declared: bool,
        required_permission: Option<String>,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "WITH sized AS (
             SELECT *, sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload)
                 AS before
             FROM (SELECT * FROM notifications WHERE id > $1 ORDER BY id LIMIT $2) AS new
         ), batch AS MATERIALIZED (
             SELECT * FROM sized WHERE before <= $3
         ), declared AS MATERIALIZED (
             SELECT app, action, required_permission FROM declared_notifications
             WHERE enabled AND app IN (SELECT app FROM batch)
         ), judged AS (
             SELECT batch.*, declared.action IS NOT NULL AS declared, declared.required_permission
             FROM batch
             LEFT JOIN declared ON declared.app = batch.app AND declared.action = batch.action
         )
         SELECT versions.rights, versions.subscriptions, judged.id, judged.app, judged.action,
             judged.payload, judged.job_id, judged.triggered_at,
             coalesce(judged.declared, FALSE) AS declared, judged.required_permission
         FROM notification_versions AS versions
         LEFT JOIN judged ON TRUE
         ORDER BY judged.id",
    )
    .bind(after)
    .bind(most.rows)
    .bind(most.bytes)
    .fetch_all(executor)
    .await?;

    let mut batch = Batch::default();
    for row in rows {
        (batch.rights, batch.subscriptions) = (row.rights, row.subscriptions);
        let (Some(id), Some(app), Some(action)) = (row.id, row.app, row.action) else {
            continue;
        };
        let (Some(payload), Some(triggered_at)) = (row.payload, row.triggered_at) else {
            continue;
        };
        batch.rows.push(NotificationRow {
            id,
            app,
            action,
            payload,
            job_id: row.job_id,
            triggered_at,
            declared: row.declared,
            required_permission: row.required_permission,
        });
    }
    Ok(batch)
}

/// Up to where somebody who was away has to read, and how much at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Missed {
    pub(crate) user: UserId,
    pub(crate) after: i64,
    pub(crate) up_to: i64,
    pub(crate) most: Most,
}

/// The notifications that a user is subscribed to, oldest first; none where there are no more.
pub(crate) async fn missed(
    executor: impl PgExecutor<'_>,
    missed: Missed,
) -> sqlx::Result<Vec<NotificationRow>> {
    sqlx::query_as(
        "WITH new AS (
             SELECT notifications.*
             FROM notifications
             JOIN subscriptions ON subscriptions.user_id = $1
                 AND subscriptions.app = notifications.app
                 AND subscriptions.action = notifications.action
                 AND subscriptions.after < notifications.id
             WHERE notifications.id > $2 AND notifications.id <= $3
             ORDER BY notifications.id
             LIMIT $4
         ), sized AS (
             SELECT *, sum(octet_length(payload)) OVER (ORDER BY id) - octet_length(payload)
                 AS before
             FROM new
         )
         SELECT sized.*, declared.action IS NOT NULL AS declared, declared.required_permission
         FROM sized
         LEFT JOIN declared_notifications AS declared
             ON declared.app = sized.app AND declared.action = sized.action AND declared.enabled
         WHERE sized.before <= $5
         ORDER BY sized.id",
    )
    .bind(missed.user)
    .bind(missed.after)
    .bind(missed.up_to)
    .bind(missed.most.rows)
    .bind(missed.most.bytes)
    .fetch_all(executor)
    .await
}

/// Whether anything after `after` is gone that a user may have missed.
pub(crate) async fn has_gap(
    executor: impl PgExecutor<'_>,
    user: UserId,
    after: i64,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT
             FROM subscriptions
             JOIN notification_purges AS purges ON purges.app = subscriptions.app
             WHERE subscriptions.user_id = $1
                 AND purges.up_to > greatest(subscriptions.after, $2)
         )",
    )
    .bind(user)
    .bind(after)
    .fetch_one(executor)
    .await
}
