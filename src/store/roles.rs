//! Roles: named sets of permissions.

use sqlx::PgExecutor;

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct RoleRow {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) permissions: Vec<String>,
    pub(crate) built_in: bool,
}

pub(crate) async fn list(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<RoleRow>> {
    sqlx::query_as("SELECT * FROM roles ORDER BY name")
        .fetch_all(executor)
        .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    name: &str,
) -> sqlx::Result<Option<RoleRow>> {
    sqlx::query_as("SELECT * FROM roles WHERE name = $1")
        .bind(name)
        .fetch_optional(executor)
        .await
}

/// The roles of these names; a name that is no role's is left out.
pub(crate) async fn find_all(
    executor: impl PgExecutor<'_>,
    names: &[String],
) -> sqlx::Result<Vec<RoleRow>> {
    sqlx::query_as("SELECT * FROM roles WHERE name = ANY ($1) ORDER BY name")
        .bind(names)
        .fetch_all(executor)
        .await
}

/// Adds a role, or replaces the one of this name.
pub(crate) async fn put(
    executor: impl PgExecutor<'_>,
    name: &str,
    description: &str,
    permissions: &[String],
) -> sqlx::Result<RoleRow> {
    sqlx::query_as(
        "INSERT INTO roles (name, description, permissions, built_in)
         VALUES ($1, $2, $3, false)
         ON CONFLICT (name) DO UPDATE
         SET description = excluded.description, permissions = excluded.permissions
         RETURNING *",
    )
    .bind(name)
    .bind(description)
    .bind(permissions)
    .fetch_one(executor)
    .await
}

/// How many users hold a role.
pub(crate) async fn holders(executor: impl PgExecutor<'_>, name: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM user_roles WHERE role = $1")
        .bind(name)
        .fetch_one(executor)
        .await
}

pub(crate) async fn delete(executor: impl PgExecutor<'_>, name: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM roles WHERE name = $1")
        .bind(name)
        .execute(executor)
        .await?;
    Ok(())
}
