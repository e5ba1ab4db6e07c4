//! Sessions and API tokens together: which of them are still good, and for whom.

use sqlx::PgExecutor;
use time::OffsetDateTime;

use super::users::PrincipalRow;
use crate::ids::{SessionId, TokenId};

/// A session or a token that proves its user now.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct GoodRow {
    pub(crate) session: Option<SessionId>,
    pub(crate) token: Option<TokenId>,
    /// Of a token.
    pub(crate) scopes: Option<Vec<String>>,
    pub(crate) expires_at: Option<OffsetDateTime>,
    #[sqlx(flatten)]
    pub(crate) principal: PrincipalRow,
}

/// Those of these sessions and tokens that have not ended and whose users may log in.
pub(crate) async fn good(
    executor: impl PgExecutor<'_>,
    sessions: &[SessionId],
    tokens: &[TokenId],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<GoodRow>> {
    sqlx::query_as(
        "SELECT good.session, good.token, good.scopes, good.expires_at,
             users.id AS user_id, users.username, users.roles, users.permissions
         FROM (
             SELECT id AS session, NULL::uuid AS token, NULL::text[] AS scopes, user_id, expires_at
             FROM sessions
             WHERE id = ANY ($1)
             UNION ALL
             SELECT NULL, id, scopes, user_id, expires_at
             FROM tokens
             WHERE id = ANY ($2) AND revoked_at IS NULL
         ) AS good
         INNER JOIN users_with_rights AS users ON users.id = good.user_id
         WHERE users.enabled AND (good.expires_at IS NULL OR good.expires_at > $3)",
    )
    .bind(sessions)
    .bind(tokens)
    .bind(now)
    .fetch_all(executor)
    .await
}
