//! Apps, and which release of each is active.

use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::app::{Grants, Manifest};
use crate::ids::{AppName, ReleaseId};

/// The channel on which every node hears that an app has changed. The payload is its name.
pub(crate) const CHANNEL: &str = "skep_apps";

/// An app that has gone live, with what of its active release is shown in lists.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct AppRow {
    pub(crate) name: AppName,
    pub(crate) enabled: bool,
    pub(crate) release: ReleaseId,
    pub(crate) number: i32,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) component: String,
    pub(crate) manifest: Json<Manifest>,
    pub(crate) granted: Json<Grants>,
    pub(crate) bundle: String,
}

/// An app as people see it, whether or not it has gone live.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ShownRow {
    pub(crate) name: AppName,
    pub(crate) enabled: bool,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
    /// The number of the active release.
    pub(crate) active: Option<i32>,
    /// The number of the release that waits for consent.
    pub(crate) waiting: Option<i32>,
    /// Of the active release; else of the one that waits; else of the newest.
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) manifest: Json<Manifest>,
    /// SHA-256 of what the active release has for browsers; none where it has nothing.
    pub(crate) frontend: Option<String>,
}

/// A release that has gone live.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct Activated {
    pub(crate) number: i32,
    pub(crate) manifest: Json<Manifest>,
    pub(crate) granted: Json<Grants>,
    pub(crate) created_by: String,
    pub(crate) decided_by: Option<String>,
}

const LIVE: &str = "SELECT apps.name, apps.enabled, releases.id AS release, releases.number,
        releases.version, releases.digest, releases.component, releases.manifest,
        releases.granted, releases.bundle
     FROM apps
     JOIN releases ON releases.id = apps.active_release";

const SHOWN: &str = "SELECT apps.name, apps.enabled, apps.created_at, apps.updated_at,
        active.number AS active, waiting.number AS waiting,
        shown.version, shown.digest, shown.manifest,
        active.plan->'frontend'->>'after' AS frontend
     FROM apps
     LEFT JOIN releases AS active ON active.id = apps.active_release
     LEFT JOIN releases AS waiting ON waiting.app = apps.name AND waiting.state = 'waiting'
     CROSS JOIN LATERAL (
        SELECT version, digest, manifest
        FROM releases
        WHERE app = apps.name AND state IN ('ready', 'waiting', 'refused')
        ORDER BY id = apps.active_release DESC NULLS LAST, state = 'waiting' DESC, number DESC
        LIMIT 1
     ) AS shown";

/// The apps that have gone live, wait to, or were refused.
pub(crate) async fn list_shown(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<ShownRow>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SHOWN} ORDER BY apps.name")))
        .fetch_all(executor)
        .await
}

pub(crate) async fn find_shown(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Option<ShownRow>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{SHOWN} WHERE apps.name = $1")))
        .bind(app)
        .fetch_optional(executor)
        .await
}

/// The names of all apps, also of those that never went live.
pub(crate) async fn names(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<AppName>> {
    sqlx::query_scalar("SELECT name FROM apps ORDER BY name")
        .fetch_all(executor)
        .await
}

pub(crate) async fn list(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<AppRow>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LIVE} ORDER BY apps.name")))
        .fetch_all(executor)
        .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Option<AppRow>> {
    sqlx::query_as(sqlx::AssertSqlSafe(format!("{LIVE} WHERE apps.name = $1")))
        .bind(app)
        .fetch_optional(executor)
        .await
}

/// Whether there is an app of this name, whether or not it has gone live.
pub(crate) async fn exists(executor: impl PgExecutor<'_>, app: &AppName) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM apps WHERE name = $1)")
        .bind(app)
        .fetch_one(executor)
        .await
}

/// Makes room for an app's first release. The app is not live before one is activated.
pub(crate) async fn ensure(
    connection: &mut PgConnection,
    app: &AppName,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO apps (name, enabled, created_at, updated_at)
         VALUES ($1, TRUE, $2, $2)
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(app)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes a release the one that serves, and tells every node. What comes back is what it
/// is, what it was granted, and by whom.
pub(crate) async fn activate(
    connection: &mut PgConnection,
    app: &AppName,
    release: ReleaseId,
    now: OffsetDateTime,
) -> sqlx::Result<Activated> {
    let activated = sqlx::query_as(
        "UPDATE releases SET state = 'ready', xid = NULL, activated_at = $2
         WHERE id = $1
         RETURNING number, manifest, granted, created_by, decided_by",
    )
    .bind(release)
    .bind(now)
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query("UPDATE apps SET active_release = $2, updated_at = $3 WHERE name = $1")
        .bind(app)
        .bind(release)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    announce(connection, app).await?;
    Ok(activated)
}

/// Enables or disables an app, and tells every node. What comes back is whether that has changed
/// anything; none where there is no such app.
pub(crate) async fn set_enabled(
    connection: &mut PgConnection,
    app: &AppName,
    enabled: bool,
    now: OffsetDateTime,
) -> sqlx::Result<Option<bool>> {
    let before: Option<bool> = sqlx::query_scalar(
        "SELECT enabled FROM apps WHERE name = $1 AND active_release IS NOT NULL
         FOR NO KEY UPDATE",
    )
    .bind(app)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(before) = before else {
        return Ok(None);
    };
    sqlx::query("UPDATE apps SET enabled = $2, updated_at = $3 WHERE name = $1")
        .bind(app)
        .bind(enabled)
        .bind(now)
        .execute(&mut *connection)
        .await?;
    announce(connection, app).await?;
    Ok(Some(before != enabled))
}

/// Forgets an app with its releases, and tells every node.
pub(crate) async fn delete(connection: &mut PgConnection, app: &AppName) -> sqlx::Result<()> {
    // With the strongest lock from the start, the app is skipped by those who skip what is
    // locked. They would wait for one that was updated first and deleted then.
    sqlx::query("SELECT FROM apps WHERE name = $1 FOR UPDATE")
        .bind(app)
        .execute(&mut *connection)
        .await?;
    // The active release and its app name each other.
    sqlx::query("UPDATE apps SET active_release = NULL WHERE name = $1")
        .bind(app)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM apps WHERE name = $1")
        .bind(app)
        .execute(&mut *connection)
        .await?;
    announce(connection, app).await
}

/// Forgets an app that never had a release go live.
pub(crate) async fn delete_if_empty(
    connection: &mut PgConnection,
    app: &AppName,
) -> sqlx::Result<()> {
    sqlx::query(
        "DELETE FROM apps
         WHERE name = $1
           AND NOT EXISTS (SELECT FROM releases WHERE releases.app = apps.name)",
    )
    .bind(app)
    .execute(connection)
    .await?;
    Ok(())
}

/// Tells every node that an app has changed.
pub(crate) async fn announce(connection: &mut PgConnection, app: &AppName) -> sqlx::Result<()> {
    sqlx::query("SELECT pg_notify($1, $2)")
        .bind(CHANNEL)
        .bind(app.as_str())
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes the right to change an app until the transaction ends. False where somebody else
/// is changing it.
pub(crate) async fn lock(connection: &mut PgConnection, app: &AppName) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended('skep app ' || $1, 0))")
        .bind(app.as_str())
        .fetch_one(connection)
        .await
}
