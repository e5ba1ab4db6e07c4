//! API tokens. Only a digest of each is kept.

use sqlx::PgExecutor;
use time::{Duration, OffsetDateTime};

use super::users::PrincipalRow;
use crate::ids::{TokenId, UserId};

/// How exactly the last use of a token is known.
pub(crate) const USE_RESOLUTION: Duration = Duration::minutes(1);

/// A token as its owner sees it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct TokenRow {
    pub(crate) id: TokenId,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) created_at: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) last_used_at: Option<OffsetDateTime>,
    pub(crate) revoked_at: Option<OffsetDateTime>,
}

/// A token with the user behind it.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct BearerRow {
    pub(crate) id: TokenId,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    pub(crate) last_used_at: Option<OffsetDateTime>,
    #[sqlx(flatten)]
    pub(crate) principal: PrincipalRow,
}

/// A token to add.
#[derive(Debug)]
pub(crate) struct NewToken<'a> {
    pub(crate) id: TokenId,
    pub(crate) user: UserId,
    pub(crate) name: &'a str,
    pub(crate) digest: &'a [u8; 32],
    pub(crate) scopes: &'a [String],
    pub(crate) now: OffsetDateTime,
    pub(crate) expires_at: Option<OffsetDateTime>,
}

pub(crate) async fn insert(
    executor: impl PgExecutor<'_>,
    token: &NewToken<'_>,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO tokens (id, user_id, name, digest, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(token.id)
    .bind(token.user)
    .bind(token.name)
    .bind(token.digest.as_slice())
    .bind(token.scopes)
    .bind(token.now)
    .bind(token.expires_at)
    .execute(executor)
    .await?;
    Ok(())
}

/// The token behind a digest, if it is still good and its user may log in.
pub(crate) async fn find_bearer(
    executor: impl PgExecutor<'_>,
    digest: &[u8; 32],
    now: OffsetDateTime,
) -> sqlx::Result<Option<BearerRow>> {
    sqlx::query_as(
        "SELECT
             tokens.id,
             tokens.scopes,
             tokens.expires_at,
             tokens.last_used_at,
             users.id AS user_id,
             users.username,
             users.roles,
             users.permissions
         FROM tokens
         INNER JOIN users_with_rights AS users ON users.id = tokens.user_id
         WHERE tokens.digest = $1
             AND tokens.revoked_at IS NULL
             AND (tokens.expires_at IS NULL OR tokens.expires_at > $2)
             AND users.enabled",
    )
    .bind(digest.as_slice())
    .bind(now)
    .fetch_optional(executor)
    .await
}

/// Notes that a token was used, unless that was noted within [`USE_RESOLUTION`].
pub(crate) async fn note_use(
    executor: impl PgExecutor<'_>,
    id: TokenId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE tokens SET last_used_at = $2
         WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
    )
    .bind(id)
    .bind(now)
    .bind(now - USE_RESOLUTION)
    .execute(executor)
    .await?;
    Ok(())
}

/// The tokens of one user, or of all, newest first.
pub(crate) async fn list(
    executor: impl PgExecutor<'_>,
    owner: Option<UserId>,
) -> sqlx::Result<Vec<TokenRow>> {
    sqlx::query_as(
        "SELECT tokens.*, users.username
         FROM tokens
         INNER JOIN users ON users.id = tokens.user_id
         WHERE $1::uuid IS NULL OR tokens.user_id = $1
         ORDER BY tokens.created_at DESC, tokens.id DESC",
    )
    .bind(owner)
    .fetch_all(executor)
    .await
}

/// A token by its id, if it belongs to this user, or to anybody where none is named.
pub(crate) async fn find(
    executor: impl PgExecutor<'_>,
    id: TokenId,
    owner: Option<UserId>,
) -> sqlx::Result<Option<TokenRow>> {
    sqlx::query_as(
        "SELECT tokens.*, users.username
         FROM tokens
         INNER JOIN users ON users.id = tokens.user_id
         WHERE tokens.id = $1 AND ($2::uuid IS NULL OR tokens.user_id = $2)",
    )
    .bind(id)
    .bind(owner)
    .fetch_optional(executor)
    .await
}

/// Revokes a token. The time of the first revocation stays.
pub(crate) async fn revoke(
    executor: impl PgExecutor<'_>,
    id: TokenId,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute(executor)
        .await?;
    Ok(())
}
