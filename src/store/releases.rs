//! Releases: the immutable versions of an app.

use std::collections::BTreeSet;

use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::app::{Grants, Manifest};
use crate::ids::{AppName, ReleaseId};

/// How far a release has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, sqlx::Type, utoipa::ToSchema)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Its deploy is at work.
    Loading,
    /// The app's transaction is about to be committed.
    Committing,
    /// It can serve.
    Ready,
    /// Held until somebody consents; none of its SQL has run.
    Waiting,
    /// Somebody did not consent, or a newer deploy took its place.
    Refused,
}

/// A release as lists show it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ReleaseRow {
    pub(crate) number: i32,
    pub(crate) version: String,
    pub(crate) digest: String,
    pub(crate) state: State,
    pub(crate) created_by: String,
    pub(crate) created_at: OffsetDateTime,
    /// When it last went live.
    pub(crate) activated_at: Option<OffsetDateTime>,
    /// Who consented to it or refused it, when and why.
    pub(crate) decided_by: Option<String>,
    pub(crate) decided_at: Option<OffsetDateTime>,
    pub(crate) reason: Option<String>,
}

/// A release with what it takes to make it serve.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct StoredRow {
    pub(crate) id: ReleaseId,
    pub(crate) state: State,
    pub(crate) manifest: Json<Manifest>,
    pub(crate) granted: Json<Grants>,
    /// None where a release that was refused has lost its bytes.
    pub(crate) bundle: Option<String>,
    pub(crate) component: Option<String>,
    /// None for releases from before there were plans.
    pub(crate) plan: Option<Json<serde_json::Value>>,
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
    /// Whether it waits for consent; else it is being loaded.
    pub(crate) held: bool,
    pub(crate) granted: &'a Grants,
    pub(crate) plan: &'a serde_json::Value,
    /// Who has consented to what it asks for, where that is known already.
    pub(crate) decided_by: Option<&'a str>,
}

/// A deploy that a crash may have cut.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct UnfinishedRow {
    pub(crate) id: ReleaseId,
    pub(crate) app: AppName,
    /// What became of the app's transaction; none where it had not come to that.
    pub(crate) committed: Option<bool>,
    /// Whether it had been held for consent.
    pub(crate) held: bool,
}

/// The manifest of an app's active release; none where it has none.
pub(crate) async fn active_manifest(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Option<Manifest>> {
    let manifest: Option<Json<Manifest>> = sqlx::query_scalar(
        "SELECT releases.manifest
         FROM apps
         JOIN releases ON releases.id = apps.active_release
         WHERE apps.name = $1",
    )
    .bind(app)
    .fetch_optional(executor)
    .await?;
    Ok(manifest.map(|manifest| manifest.0))
}

/// Adds a release, and gives it the app's next number.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    release: NewRelease<'_>,
) -> sqlx::Result<i32> {
    sqlx::query_scalar(
        "INSERT INTO releases
            (id, app, number, version, manifest, digest, bundle, component, created_by,
             created_at, state, held, granted, plan, decided_by, decided_at)
         SELECT $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9,
            CASE WHEN $10 THEN 'waiting' ELSE 'loading' END, $10, $11, $12, $13,
            CASE WHEN $13::text IS NOT NULL THEN $9 END
         FROM releases
         WHERE app = $2
         RETURNING number",
    )
    .bind(release.id)
    .bind(release.app)
    .bind(release.manifest.version.to_string())
    .bind(Json(release.manifest))
    .bind(release.digest)
    .bind(release.bundle)
    .bind(release.component)
    .bind(release.created_by)
    .bind(release.now)
    .bind(release.held)
    .bind(Json(release.granted))
    .bind(Json(release.plan))
    .bind(release.decided_by)
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

/// The releases of an app, newest first, without those whose deploy is at work.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Vec<ReleaseRow>> {
    sqlx::query_as(
        "SELECT number, version, digest, state, created_by, created_at, activated_at,
            decided_by, decided_at, reason
         FROM releases
         WHERE app = $1 AND state IN ('ready', 'waiting', 'refused')
         ORDER BY number DESC",
    )
    .bind(app)
    .fetch_all(executor)
    .await
}

/// The release of this number, whatever its state.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    number: i32,
) -> sqlx::Result<Option<StoredRow>> {
    sqlx::query_as(
        "SELECT id, state, manifest, granted, bundle, component, plan
         FROM releases
         WHERE app = $1 AND number = $2",
    )
    .bind(app)
    .bind(number)
    .fetch_optional(executor)
    .await
}

/// The number of the release that waits for consent.
pub(crate) async fn waiting(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Option<i32>> {
    sqlx::query_scalar("SELECT number FROM releases WHERE app = $1 AND state = 'waiting'")
        .bind(app)
        .fetch_optional(executor)
        .await
}

/// Writes down what a waiting release would change now.
pub(crate) async fn replan(
    executor: impl PgExecutor<'_>,
    release: ReleaseId,
    granted: &Grants,
    plan: &serde_json::Value,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE releases SET granted = $2, plan = $3 WHERE id = $1 AND state = 'waiting'")
        .bind(release)
        .bind(Json(granted))
        .bind(Json(plan))
        .execute(executor)
        .await?;
    Ok(())
}

/// Begins to load a release that was waiting.
pub(crate) async fn accept(
    executor: impl PgExecutor<'_>,
    release: ReleaseId,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE releases SET state = 'loading', decided_by = $2, decided_at = $3 WHERE id = $1",
    )
    .bind(release)
    .bind(by)
    .bind(now)
    .execute(executor)
    .await?;
    Ok(())
}

/// Makes a release wait again whose loading has failed.
pub(crate) async fn wait_again(
    executor: impl PgExecutor<'_>,
    release: ReleaseId,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE releases
         SET state = 'waiting', xid = NULL, decided_by = NULL, decided_at = NULL
         WHERE id = $1",
    )
    .bind(release)
    .execute(executor)
    .await?;
    Ok(())
}

/// Ends the waiting of an app's release. Its bytes go with the next sweep. False where none
/// of this number waits.
pub(crate) async fn refuse(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    number: i32,
    by: &str,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let refused = sqlx::query(
        "UPDATE releases
         SET state = 'refused', decided_by = $3, decided_at = $4, reason = $5,
             bundle = NULL, component = NULL
         WHERE app = $1 AND number = $2 AND state = 'waiting'",
    )
    .bind(app)
    .bind(number)
    .bind(by)
    .bind(now)
    .bind(reason)
    .execute(executor)
    .await?;
    Ok(refused.rows_affected() > 0)
}

/// Takes one grant from the release of an app that serves.
pub(crate) async fn withdraw(
    connection: &mut PgConnection,
    app: &AppName,
    key: &str,
) -> sqlx::Result<()> {
    let active: Option<(ReleaseId, Json<Grants>)> = sqlx::query_as(
        "SELECT releases.id, granted
         FROM apps
         JOIN releases ON releases.id = apps.active_release
         WHERE apps.name = $1",
    )
    .bind(app)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some((release, Json(mut granted))) = active
        && granted.remove(key).is_some()
    {
        sqlx::query("UPDATE releases SET granted = $2 WHERE id = $1")
            .bind(release)
            .bind(Json(granted))
            .execute(connection)
            .await?;
    }
    Ok(())
}

/// What the releases that serve have been granted, by app.
pub(crate) async fn granted(
    executor: impl PgExecutor<'_>,
) -> sqlx::Result<Vec<(AppName, Json<Grants>)>> {
    sqlx::query_as(
        "SELECT apps.name, granted
         FROM apps
         JOIN releases ON releases.id = apps.active_release
         WHERE granted <> '[]'",
    )
    .fetch_all(executor)
    .await
}

/// Which releases of an app nobody will go back to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surplus {
    /// Those beyond the newest so many.
    pub(crate) beyond: i64,
    pub(crate) created_before: OffsetDateTime,
    /// None of an app whose active release went live after this.
    pub(crate) settled_since: OffsetDateTime,
}

/// What serves, what served before it, what is on its way or waits, and what a job was queued
/// for stays, however many there are.
const SURPLUS: &str = "releases.app = $1
    AND releases.state IN ('ready', 'refused')
    AND releases.number <= (
        SELECT newest.number FROM releases AS newest
        WHERE newest.app = $1 AND newest.state IN ('ready', 'refused')
        ORDER BY newest.number DESC OFFSET $2 LIMIT 1
    )
    AND releases.created_at < $3
    AND EXISTS (
        SELECT FROM apps
        LEFT JOIN releases AS active ON active.id = apps.active_release
        WHERE apps.name = $1
            AND releases.id IS DISTINCT FROM active.id
            AND coalesce(active.activated_at < $4, TRUE)
            AND releases.id IS DISTINCT FROM (
                SELECT before.id FROM releases AS before
                WHERE before.app = $1 AND before.activated_at IS NOT NULL
                    AND before.id IS DISTINCT FROM active.id
                ORDER BY before.activated_at DESC LIMIT 1
            )
    )
    AND NOT EXISTS (
        SELECT FROM jobs
        WHERE jobs.app = $1 AND jobs.release = releases.id
            AND jobs.status IN ('pending', 'running')
    )";

/// The releases of an app that nobody will go back to.
pub(crate) async fn surplus(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    surplus: &Surplus,
) -> sqlx::Result<Vec<ReleaseId>> {
    let query = format!("SELECT id FROM releases WHERE {SURPLUS}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(app)
        .bind(surplus.beyond)
        .bind(surplus.created_before)
        .bind(surplus.settled_since)
        .fetch_all(executor)
        .await
}

/// Deletes them; what comes back are their numbers. Their bytes go with the next sweep.
pub(crate) async fn delete_surplus(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    surplus: &Surplus,
) -> sqlx::Result<Vec<i32>> {
    let query = format!("DELETE FROM releases WHERE {SURPLUS} RETURNING number");
    sqlx::query_scalar(sqlx::AssertSqlSafe(query))
        .bind(app)
        .bind(surplus.beyond)
        .bind(surplus.created_before)
        .bind(surplus.settled_since)
        .fetch_all(executor)
        .await
}

/// Bytes of the bundles and components that no release but these needs.
pub(crate) async fn bytes(executor: impl PgExecutor<'_>, of: &[ReleaseId]) -> sqlx::Result<i64> {
    sqlx::query_scalar(
        "SELECT coalesce(sum(octet_length(blobs.bytes)), 0)::bigint
         FROM blobs
         WHERE EXISTS (
             SELECT FROM releases
             WHERE releases.id = ANY ($1) AND blobs.digest IN (releases.bundle, releases.component)
         )
         AND NOT EXISTS (
             SELECT FROM releases
             WHERE releases.id <> ALL ($1)
                 AND blobs.digest IN (releases.bundle, releases.component)
         )",
    )
    .bind(of)
    .fetch_one(executor)
    .await
}

/// The digest of a release's bundle; none where it has none any more.
pub(crate) async fn bundle_of(
    executor: impl PgExecutor<'_>,
    release: ReleaseId,
) -> sqlx::Result<Option<String>> {
    let bundle: Option<Option<String>> =
        sqlx::query_scalar("SELECT bundle FROM releases WHERE id = $1")
            .bind(release)
            .fetch_optional(executor)
            .await?;
    Ok(bundle.flatten())
}

/// The newest release of an app that can serve and has the frontend of this digest.
pub(crate) async fn with_frontend(
    executor: impl PgExecutor<'_>,
    app: &AppName,
    digest: &str,
) -> sqlx::Result<Option<ReleaseId>> {
    sqlx::query_scalar(
        "SELECT id
         FROM releases
         WHERE app = $1 AND state = 'ready' AND plan->'frontend'->>'after' = $2
         ORDER BY number DESC
         LIMIT 1",
    )
    .bind(app)
    .bind(digest)
    .fetch_optional(executor)
    .await
}

/// The digests of the components that apps serve from, or are about to.
pub(crate) async fn needed_components(
    executor: impl PgExecutor<'_>,
) -> sqlx::Result<BTreeSet<String>> {
    let needed: Vec<String> = sqlx::query_scalar(
        "SELECT component
         FROM releases
         WHERE component IS NOT NULL AND (
             state IN ('loading', 'committing', 'waiting')
             OR EXISTS (SELECT FROM apps WHERE apps.active_release = releases.id)
         )",
    )
    .fetch_all(executor)
    .await?;
    Ok(needed.into_iter().collect())
}

/// Deploys that have not come to an end.
pub(crate) async fn unfinished(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<UnfinishedRow>> {
    sqlx::query_as(
        "SELECT id, app, held, pg_xact_status(xid::xid8) = 'committed' AS committed
         FROM releases
         WHERE state IN ('loading', 'committing')",
    )
    .fetch_all(executor)
    .await
}
