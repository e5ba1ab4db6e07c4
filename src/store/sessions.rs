//! Logins that have not ended. A session ends when its row goes.

use secrecy::{ExposeSecret, SecretString};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::users::PrincipalRow;
use crate::ids::{SessionId, UserId};

/// A session to begin.
#[derive(Debug)]
pub(crate) struct NewSession<'a> {
    pub(crate) id: SessionId,
    pub(crate) user: UserId,
    /// What the password was compared with.
    pub(crate) password_hash: &'a SecretString,
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: OffsetDateTime,
}

/// Begins a session, unless the user was disabled or the password changed while it was
/// being compared: then the answer is false.
pub(crate) async fn insert(
    executor: impl PgExecutor<'_>,
    session: &NewSession<'_>,
) -> sqlx::Result<bool> {
    // The lock waits for a change that is about to end the user's sessions, and then
    // sees it; else this session would outlive it.
    let done = sqlx::query(
        "INSERT INTO sessions (id, user_id, created_at, expires_at)
         SELECT $1, id, $4, $5
         FROM users
         WHERE id = $2 AND enabled AND password_hash = $3
         FOR SHARE",
    )
    .bind(session.id)
    .bind(session.user)
    .bind(session.password_hash.expose_secret())
    .bind(session.now)
    .bind(session.expires_at)
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who a session proves, if it has not ended and its user may log in.
pub(crate) async fn find_principal(
    executor: impl PgExecutor<'_>,
    id: SessionId,
    now: OffsetDateTime,
) -> sqlx::Result<Option<PrincipalRow>> {
    sqlx::query_as(
        "SELECT users.id AS user_id, users.username, users.roles, users.permissions
         FROM sessions
         INNER JOIN users_with_rights AS users ON users.id = sessions.user_id
         WHERE sessions.id = $1 AND sessions.expires_at > $2 AND users.enabled",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(executor)
    .await
}

pub(crate) async fn delete(executor: impl PgExecutor<'_>, id: SessionId) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id = $1")
        .bind(id)
        .execute(executor)
        .await?;
    Ok(())
}

/// Ends a user's sessions, but for the one to keep.
pub(crate) async fn delete_of_user(
    executor: impl PgExecutor<'_>,
    user: UserId,
    keep: Option<SessionId>,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2")
        .bind(user)
        .bind(keep)
        .execute(executor)
        .await?;
    Ok(())
}

/// Clears away what has expired.
pub(crate) async fn delete_expired(
    executor: impl PgExecutor<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM sessions WHERE expires_at <= $1")
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}
