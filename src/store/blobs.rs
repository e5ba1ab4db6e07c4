//! Bundles and components, by the SHA-256 of their bytes.

use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

/// The name of these bytes: their SHA-256 in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |text, byte| {
            text + &format!("{byte:02x}")
        })
}

/// Keeps bytes, unless they are kept already.
pub(crate) async fn keep(
    connection: &mut PgConnection,
    digest: &str,
    bytes: &[u8],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    // The lock on a row that is there already keeps the sweeper from taking it meanwhile.
    sqlx::query(
        "INSERT INTO blobs (digest, bytes, created_at)
         VALUES ($1, $2, $3)
         ON CONFLICT (digest) DO UPDATE SET created_at = excluded.created_at",
    )
    .bind(digest)
    .bind(bytes)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    digest: &str,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar("SELECT bytes FROM blobs WHERE digest = $1")
        .bind(digest)
        .fetch_optional(executor)
        .await
}

/// The component that was built before from the same sources by the same builder.
pub(crate) async fn find_build(
    executor: impl PgExecutor<'_>,
    recipe: &str,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar(
        "SELECT blobs.bytes
         FROM builds
         JOIN blobs ON blobs.digest = builds.component
         WHERE builds.recipe = $1",
    )
    .bind(recipe)
    .fetch_optional(executor)
    .await
}

/// Remembers what was built from a recipe: the digest of everything that went into it.
pub(crate) async fn keep_build(
    connection: &mut PgConnection,
    recipe: &str,
    component: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO builds (recipe, component)
         VALUES ($1, $2)
         ON CONFLICT (recipe) DO UPDATE SET component = excluded.component",
    )
    .bind(recipe)
    .bind(component)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes some of what no release and no remembered build of a release needs. What comes back
/// is how many bundles and components, and their bytes.
pub(crate) async fn sweep_some(
    connection: &mut PgConnection,
    most: i64,
) -> sqlx::Result<(i64, i64)> {
    sqlx::query(
        "DELETE FROM builds
         WHERE NOT EXISTS (SELECT FROM releases WHERE releases.component = builds.component)",
    )
    .execute(&mut *connection)
    .await?;
    // A deploy that keeps one just now has locked it, and is about to refer to it.
    sqlx::query_as(
        "WITH gone AS (
             DELETE FROM blobs WHERE digest IN (
                 SELECT digest FROM blobs
                 WHERE NOT EXISTS (SELECT FROM releases WHERE releases.component = blobs.digest)
                   AND NOT EXISTS (SELECT FROM releases WHERE releases.bundle = blobs.digest)
                 LIMIT $1
                 FOR UPDATE SKIP LOCKED
             )
             RETURNING octet_length(bytes) AS bytes
         )
         SELECT count(*), coalesce(sum(bytes), 0)::bigint FROM gone",
    )
    .bind(most)
    .fetch_one(connection)
    .await
}
