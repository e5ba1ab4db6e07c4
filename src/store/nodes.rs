//! The nodes that serve, by the clock of the database.

use sqlx::PgExecutor;
use time::OffsetDateTime;

/// A node, and when it was heard of.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct NodeRow {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) listen: String,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) seen_at: OffsetDateTime,
    /// Seconds since then.
    pub(crate) silent: f64,
}

/// Says that a node lives.
pub(crate) async fn put(
    executor: impl PgExecutor<'_>,
    name: &str,
    version: &str,
    listen: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO nodes (name, version, listen, started_at, seen_at)
         VALUES ($1, $2, $3, now(), now())
         ON CONFLICT (name) DO UPDATE SET seen_at = now()",
    )
    .bind(name)
    .bind(version)
    .bind(listen)
    .execute(executor)
    .await?;
    Ok(())
}

/// Forgets a node that has stopped.
pub(crate) async fn delete(executor: impl PgExecutor<'_>, name: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM nodes WHERE name = $1")
        .bind(name)
        .execute(executor)
        .await?;
    Ok(())
}

/// Forgets nodes that have not been heard of for so many seconds.
pub(crate) async fn sweep(executor: impl PgExecutor<'_>, silent: f64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM nodes WHERE seen_at < now() - make_interval(secs => $1)")
        .bind(silent)
        .execute(executor)
        .await?;
    Ok(())
}

/// All nodes, the one that serves longest first.
pub(crate) async fn list(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<NodeRow>> {
    sqlx::query_as(
        "SELECT name, version, listen, started_at, seen_at,
            extract(epoch FROM now() - seen_at)::float8 AS silent
         FROM nodes
         ORDER BY started_at, name",
    )
    .fetch_all(executor)
    .await
}
