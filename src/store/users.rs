//! Users and the roles that they hold.

use secrecy::SecretString;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::ids::UserId;

/// A user with what the roles add up to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct UserRow {
    pub(crate) id: UserId,
    pub(crate) username: String,
    pub(crate) enabled: bool,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) updated_at: OffsetDateTime,
}

/// Who a credential proves, with what the roles add up to.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct PrincipalRow {
    pub(crate) user_id: UserId,
    pub(crate) username: String,
    pub(crate) roles: Vec<String>,
    pub(crate) permissions: Vec<String>,
}

/// What a login is compared with.
#[derive(Debug)]
pub(crate) struct LoginRow {
    pub(crate) id: UserId,
    pub(crate) username: String,
    pub(crate) enabled: bool,
    pub(crate) password_hash: SecretString,
}

/// A user to add.
#[derive(Debug)]
pub(crate) struct NewUser<'a> {
    pub(crate) id: UserId,
    pub(crate) username: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) enabled: bool,
    pub(crate) now: OffsetDateTime,
}

/// Lets one transaction at a time change who holds which rights.
///
/// Rules about all users together, such as that an administrator remains, hold only if
/// nobody else changes them meanwhile.
pub(crate) async fn lock_rights(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("SELECT FROM roles WHERE name = 'admin' FOR NO KEY UPDATE")
        .execute(connection)
        .await?;
    Ok(())
}

pub(crate) async fn any(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM users)")
        .fetch_one(executor)
        .await
}

pub(crate) async fn list(executor: impl PgExecutor<'_>) -> sqlx::Result<Vec<UserRow>> {
    sqlx::query_as("SELECT * FROM users_with_rights ORDER BY lower(username)")
        .fetch_all(executor)
        .await
}

pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    username: &str,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as("SELECT * FROM users_with_rights WHERE lower(username) = lower($1)")
        .bind(username)
        .fetch_optional(executor)
        .await
}

pub(crate) async fn find_by_id(
    executor: impl PgExecutor<'_>,
    id: UserId,
) -> sqlx::Result<Option<UserRow>> {
    sqlx::query_as("SELECT * FROM users_with_rights WHERE id = $1")
        .bind(id)
        .fetch_optional(executor)
        .await
}

pub(crate) async fn find_login(
    executor: impl PgExecutor<'_>,
    username: &str,
) -> sqlx::Result<Option<LoginRow>> {
    let row: Option<(UserId, String, bool, String)> = sqlx::query_as(
        "SELECT id, username, enabled, password_hash
         FROM users
         WHERE lower(username) = lower($1)",
    )
    .bind(username)
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|(id, username, enabled, hash)| LoginRow {
        id,
        username,
        enabled,
        password_hash: hash.into(),
    }))
}

/// Adds a user, unless the username is taken: then the answer is false.
pub(crate) async fn insert(
    executor: impl PgExecutor<'_>,
    user: &NewUser<'_>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO users (id, username, password_hash, enabled, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(user.id)
    .bind(user.username)
    .bind(user.password_hash)
    .bind(user.enabled)
    .bind(user.now)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(crate) async fn set_enabled(
    executor: impl PgExecutor<'_>,
    id: UserId,
    enabled: bool,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET enabled = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(enabled)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

pub(crate) async fn set_password(
    executor: impl PgExecutor<'_>,
    id: UserId,
    password_hash: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE users SET password_hash = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(password_hash)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}

/// Makes these the user's roles. Each must exist.
pub(crate) async fn set_roles(
    connection: &mut PgConnection,
    id: UserId,
    roles: &[String],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM user_roles WHERE user_id = $1 AND role <> ALL ($2)")
        .bind(id)
        .bind(roles)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "INSERT INTO user_roles (user_id, role)
         SELECT $1, role FROM unnest($2::text[]) AS role
         ON CONFLICT DO NOTHING",
    )
    .bind(id)
    .bind(roles)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE users SET updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes a user, and with it the sessions, tokens and roles held.
pub(crate) async fn delete(executor: impl PgExecutor<'_>, id: UserId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM users WHERE id = $1")
        .bind(id)
        .execute(executor)
        .await?;
    Ok(())
}

/// Whether anybody who can log in holds the role `admin`.
pub(crate) async fn has_administrator(executor: impl PgExecutor<'_>) -> sqlx::Result<bool> {
    sqlx::query_scalar(
        "SELECT EXISTS (
             SELECT
             FROM users
             INNER JOIN user_roles ON user_roles.user_id = users.id
             WHERE users.enabled AND user_roles.role = 'admin'
         )",
    )
    .fetch_one(executor)
    .await
}
