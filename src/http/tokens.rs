//! API tokens: one's own, and for those who manage users everybody's.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::extract::{Authenticated, UsersOperator};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::audit::Entry;
use crate::auth::Identity;
use crate::auth::permission::Permission;
use crate::auth::token::{self, Lifetime};
use crate::ids::{TokenId, UserId};
use crate::services::Services;
use crate::store::audit;
use crate::store::tokens::{self, NewToken, TokenRow};

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/tokens", get(list_own).post(create))
        .route("/api/tokens/{id}", delete(revoke_own))
        .route("/admin/api/tokens", get(list_all))
        .route("/admin/api/tokens/{id}", delete(revoke_any))
}

/// A token, without the token itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenBody {
    id: Uuid,
    username: String,
    name: String,
    scopes: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339::option")]
    revoked_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    tokens: Vec<TokenBody>,
}

/// Lists one's own tokens.
#[utoipa::path(
    get, path = "/api/tokens", tag = "tokens",
    responses((status = 200, body = TokenList), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list_own(
    State(services): State<Services>,
    caller: Authenticated,
) -> Result<Json<TokenList>, ApiError> {
    list(&services, Some(caller.user)).await
}

/// Lists everybody's tokens.
#[utoipa::path(
    get, path = "/admin/api/tokens", tag = "tokens",
    responses(
        (status = 200, body = TokenList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list_all(
    State(services): State<Services>,
    _operator: UsersOperator,
) -> Result<Json<TokenList>, ApiError> {
    list(&services, None).await
}

async fn list(services: &Services, owner: Option<UserId>) -> Result<Json<TokenList>, ApiError> {
    let tokens = tokens::list(services.store.pool(), owner).await?;
    Ok(Json(TokenList {
        tokens: tokens.into_iter().map(TokenBody::from).collect(),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTokenBody {
    /// What it is for.
    name: String,
    /// What it passes on of its user's permissions; `apps:call` to call apps, `*` for all.
    #[schema(value_type = Vec<String>)]
    scopes: Vec<Permission>,
    /// 1 to 366; 90, if not said.
    expires_in_days: Option<u16>,
    #[serde(default)]
    never_expires: bool,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    /// Shown this once.
    token: String,
    #[serde(flatten)]
    about: TokenBody,
}

/// Makes a token for oneself.
#[utoipa::path(
    post, path = "/api/tokens", tag = "tokens", request_body = NewTokenBody,
    responses(
        (status = 201, body = CreatedToken),
        (status = 400, body = ErrorBody, description = "malformed, or lasts too long"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "wider than the token it is made with"),
    )
)]
pub(crate) async fn create(
    State(services): State<Services>,
    caller: Authenticated,
    Json(body): Json<NewTokenBody>,
) -> Result<impl IntoResponse, ApiError> {
    token::admit(&body.name, body.scopes.len())?;
    caller.require_scopes(&body.scopes)?;
    let now = services.clock.now();
    // A session ends within hours; what people make in it is to last.
    let maker_ends = match caller.session() {
        Some(_) => None,
        None => caller.expires_at,
    };
    let expires_at = token::end(body.lifetime()?, now, maker_ends)?;

    let secret = token::generate(&services.entropy);
    let scopes: Vec<String> = body.scopes.into_iter().map(String::from).collect();
    let new = NewToken {
        id: TokenId(services.entropy.id(&services.clock)),
        user: caller.user,
        name: &body.name,
        digest: &token::digest(secret.expose_secret()),
        scopes: &scopes,
        now,
        expires_at,
    };
    let mut tx = services.store.pool().begin().await?;
    tokens::insert(&mut *tx, &new).await?;
    let expires = expires_at.map(|end| end.unix_timestamp());
    let entry = Entry::new(caller.actor(), "token.create", "token", new.id.to_string())
        .with("name", body.name.as_str())
        .with("scopes", scopes.clone())
        .with("expires_at", expires);
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;

    let created = CreatedToken {
        token: secret.expose_secret().to_owned(),
        about: TokenBody {
            id: new.id.0,
            username: caller.username.clone(),
            name: body.name,
            scopes,
            created_at: now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
        },
    };
    let headers = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((StatusCode::CREATED, headers, Json(created)))
}

/// Revokes one of one's own tokens.
#[utoipa::path(
    delete, path = "/api/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "wider than the token it is done with"),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn revoke_own(
    State(services): State<Services>,
    caller: Authenticated,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let token = existing(&services, &id, Some(caller.user)).await?;
    caller.require_scopes(&token.scopes)?;
    revoke(&services, &caller, &token).await
}

/// Revokes anybody's token.
#[utoipa::path(
    delete, path = "/admin/api/tokens/{id}", tag = "tokens", params(("id" = Uuid, Path)),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn revoke_any(
    State(services): State<Services>,
    operator: UsersOperator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let token = existing(&services, &id, None).await?;
    revoke(&services, &operator, &token).await
}

async fn existing(
    services: &Services,
    id: &str,
    owner: Option<UserId>,
) -> Result<TokenRow, ApiError> {
    let token = match id.parse::<TokenId>() {
        Ok(id) => tokens::find(services.store.pool(), id, owner).await?,
        Err(_) => None,
    };
    token.ok_or_else(|| ApiError::NotFound(format!("no such token: `{id}`")))
}

async fn revoke(
    services: &Services,
    operator: &Identity,
    token: &TokenRow,
) -> Result<StatusCode, ApiError> {
    let now = services.clock.now();
    let mut tx = services.store.pool().begin().await?;
    tokens::revoke(&mut *tx, token.id, now).await?;
    let entry = Entry::new(
        operator.actor(),
        "token.revoke",
        "token",
        token.id.to_string(),
    )
    .with("name", token.name.as_str())
    .with("username", token.username.as_str());
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;
    services.auth.forget();
    Ok(StatusCode::NO_CONTENT)
}

impl NewTokenBody {
    fn lifetime(&self) -> Result<Lifetime, ApiError> {
        match (self.expires_in_days, self.never_expires) {
            (None, false) => Ok(Lifetime::Default),
            (Some(days), false) => Ok(Lifetime::Days(days)),
            (None, true) => Ok(Lifetime::Unlimited),
            (Some(_), true) => Err(ApiError::Invalid(
                "`expires_in_days` and `never_expires` exclude each other".to_owned(),
            )),
        }
    }
}

impl From<token::Refused> for ApiError {
    fn from(error: token::Refused) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<TokenRow> for TokenBody {
    fn from(token: TokenRow) -> Self {
        Self {
            id: token.id.0,
            username: token.username,
            name: token.name,
            scopes: token.scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

#[cfg(test)]
mod tests;
