//! Releases: the immutable versions of an app.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::app::Manifest;
use crate::ids::{AppName, ReleaseId};

/// A release as lists show it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ReleaseRow {
    pub(crate) id: ReleaseId,
    pub(crate) number: i32,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) created_by: String,
    pub(crate) created_at: OffsetDateTime,
    /// When it last went live.
    pub(crate) activated_at: Option<OffsetDateTime>,
}

/// A release to add.
#[derive(Debug)]
pub(crate) struct NewRelease<'a> {
    pub(crate) id: ReleaseId,
    pub(crate) app: &'a AppName,
    pub(crate) manifest: &'a Manifest,
    pub(crate) digest: &'a str,
    pub(crate) bundle: &'a str,
    pub(crate) component: &'a str,
    pub(crate) created_by: &'a str,
    pub(crate) now: OffsetDateTime,
}

/// A deploy that a crash may have cut.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UnfinishedRow {
    pub(crate) id: ReleaseId,
    pub(crate) app: AppName,
    /// What became of the app's transaction; none where it had not come to that.
    pub(crate) committed: Option<bool>,
}

/// Adds a release that is being loaded, and gives it the app's next number.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    release: NewRelease<'_>,
) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "INSERT INTO releases
            (id, app, number, version, manifest, digest, bundle, component, state, created_by,
             created_at)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, 'loading', $8, $9
         FROM releases
         WHERE app = $2
         RETURNING number",
    )
    .bind(release.id)
    .bind(release.app)
    .bind(release.manifest.version.to_string())
    .bind(sqlx::types::Json(release.manifest))
    .bind(release.digest)
    .bind(release.bundle)
    .bind(release.component)
    .bind(release.created_by)
    .bind(release.now)
    .fetch_one(connection)
    .await
}

/// Notes the app's transaction that is about to be committed: should we crash before the
/// release is activated, the next start learns from it which of the two happened. False
/// where the release is not there any more.
pub(crate) async fn committing(
    executor: impl PgExecutor<'_>,
    release: ReleaseId,
    xid: &str,
) -> sqlx::Result<bool> {
    let noted = sqlx::query("UPDATE releases SET state = 'committing', xid = $2 WHERE id = $1")
        .bind(release)
        .bind(xid)
        .execute(executor)
        .await?;
    Ok(noted.rows_affected() > 0)
}

pub(crate) async fn delete(connection: &mut PgConnection, release: ReleaseId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM releases WHERE id = $1")
        .bind(release)
        .execute(connection)
        .await?;
    Ok(())
}

/// The releases of an app that can serve, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Vec<ReleaseRow>> {
    sqlx::query_as(
        "SELECT id, number, version, digest, created_by, created_at, activated_at
         FROM releases
         WHERE app = $1 AND state = 'ready'
         ORDER BY number DESC",
    )
    .bind(app)
    .fetch_all(executor)
    .await
}

/// The release of this number that can serve, with its manifest.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    number: i32,
) -> sqlx::Result<Option<(ReleaseId, String, sqlx::types::Json<Manifest>)>> {
    sqlx::query_as(
        "SELECT id, component, manifest
         FROM releases
         WHERE app = $1 AND number = $2 AND state = 'ready'",
    )
    .bind(app)
    .bind(number)
    .fetch_optional(executor)
    .await
}

/// Deploys that have not come to an end.
pub(crate) async fn unfinished(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<UnfinishedRow>> {
    sqlx::query_as(
        "SELECT id, app, pg_xact_status(xid::xid8) = 'committed' AS committed
         FROM releases
         WHERE state IN ('loading', 'committing')",
    )
    .fetch_all(executor)
    .await
}
