//! The database itself: how large it is, and who is connected.

use sqlx::PgExecutor;

/// The database as its server knows it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct DatabaseRow {
    /// Of the server.
    pub(crate) version: String,
    /// On the disk, of all tables and indexes.
    pub(crate) bytes: i64,
    /// Of them the host's own.
    pub(crate) host_bytes: i64,
    /// Of all nodes and apps, to this database.
    pub(crate) connections: i64,
    /// What the server allows, for all of its databases.
    pub(crate) connections_most: i32,
}

/// The tables of one role.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct SizeRow {
    pub(crate) role: String,
    pub(crate) tables: i64,
    /// On the disk, indexes included.
    pub(crate) bytes: i64,
}

pub(crate) async fn database(executor: impl PgExecutor<'_>) -> sqlx::Result<DatabaseRow> {
    sqlx::query_as(
        "SELECT current_setting('server_version') AS version,
            pg_database_size(current_database()) AS bytes,
            (
                SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint
                FROM pg_class
                WHERE relkind = 'r' AND relnamespace = 'skep'::regnamespace
            ) AS host_bytes,
            (
                SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
            ) AS connections,
            current_setting('max_connections')::integer AS connections_most",
    )
    .fetch_one(executor)
    .await
}

/// What each role has in tables.
pub(crate) async fn sizes(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<SizeRow>> {
    sqlx::query_as(
        "SELECT pg_get_userbyid(relowner)::text AS role, count(*) AS tables,
            sum(pg_total_relation_size(pg_class.oid))::bigint AS bytes
         FROM pg_class
         WHERE relkind IN ('r', 'm')
         GROUP BY relowner",
    )
    .fetch_all(executor)
    .await
}
