//! What somebody has consented to for an app, and how much of it was used.

use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::app::{Grant, Grants};
use crate::ids::AppName;

/// One grant, as lists show it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ConsentRow {
    pub(crate) granted: Json<Grant>,
    pub(crate) accepted_by: String,
    pub(crate) accepted_at: OffsetDateTime,
    pub(crate) uses: i64,
    pub(crate) last_used: Option<OffsetDateTime>,
}

/// Uses of one grant that are not written down yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Uses {
    pub(crate) app: AppName,
    pub(crate) key: String,
    pub(crate) uses: i64,
    pub(crate) last_used: OffsetDateTime,
}

/// Whatever was consented to and not withdrawn.
pub(crate) async fn all(executor: impl PgExecutor<'_>, app: &AppName) -> sqlx::Result<Grants> {
    let grants: Vec<Json<Grant>> =
        sqlx::query_scalar("SELECT granted FROM consents WHERE app = $1")
            .bind(app)
            .fetch_all(executor)
            .await?;
    Ok(grants.into_iter().map(|grant| grant.0).collect())
}

pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    app: &AppName,
) -> sqlx::Result<Vec<ConsentRow>> {
    sqlx::query_as(
        "SELECT consents.granted, consents.accepted_by, consents.accepted_at,
            coalesce(grant_uses.uses, 0) AS uses, grant_uses.last_used
         FROM consents
         LEFT JOIN grant_uses USING (app, key)
         WHERE consents.app = $1
         ORDER BY consents.key",
    )
    .bind(app)
    .fetch_all(executor)
    .await
}

/// Writes down a consent. What was used of an older one of the same key is forgotten.
pub(crate) async fn accept(
    connection: &mut PgConnection,
    app: &AppName,
    grant: &Grant,
    by: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    withdraw(connection, app, &grant.key()).await?;
    sqlx::query(
        "INSERT INTO consents (app, key, granted, accepted_by, accepted_at)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(app)
    .bind(grant.key())
    .bind(Json(grant))
    .bind(by)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a consent back. False where there is none of this key.
pub(crate) async fn withdraw(
    connection: &mut PgConnection,
    app: &AppName,
    key: &str,
) -> sqlx::Result<bool> {
    let gone = sqlx::query("DELETE FROM consents WHERE app = $1 AND key = $2")
        .bind(app)
        .bind(key)
        .execute(connection)
        .await?;
    Ok(gone.rows_affected() > 0)
}

/// Adds uses. Those of grants that were withdrawn meanwhile are left out.
pub(crate) async fn add_uses(executor: impl PgExecutor<'_>, uses: &[Uses]) -> sqlx::Result<()> {
    let apps: Vec<&str> = uses.iter().map(|uses| uses.app.as_str()).collect();
    let keys: Vec<&str> = uses.iter().map(|uses| uses.key.as_str()).collect();
    let counts: Vec<i64> = uses.iter().map(|uses| uses.uses).collect();
    let times: Vec<OffsetDateTime> = uses.iter().map(|uses| uses.last_used).collect();
    // In one order, so that two nodes cannot wait for each other. The lock keeps a consent
    // from going before its uses are there.
    sqlx::query(
        "WITH used AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[])
                AS used (app, key, uses, last_used)
         )
         INSERT INTO grant_uses (app, key, uses, last_used)
         SELECT app, key, used.uses, used.last_used
         FROM used
         JOIN consents USING (app, key)
         WHERE used.last_used >= consents.accepted_at
         ORDER BY app, key
         FOR KEY SHARE OF consents
         ON CONFLICT (app, key) DO UPDATE
         SET uses = grant_uses.uses + excluded.uses,
             last_used = greatest(grant_uses.last_used, excluded.last_used)",
    )
    .bind(apps)
    .bind(keys)
    .bind(counts)
    .bind(times)
    .execute(executor)
    .await?;
    Ok(())
}
