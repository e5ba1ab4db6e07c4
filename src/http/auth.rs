//! Logging in and out, and what a request must carry to be let in.
//!
//! [`extract`] holds the types that handlers ask for.

pub(crate) mod address;
mod cookie;
mod cross_site;
pub(crate) mod extract;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use self::address::ClientAddress;
use self::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::auth::identity::Refused;
use crate::auth::password::{self, Unsuitable};
use crate::auth::{IdentifyError, Login, LoginError, Via};
use crate::services::Services;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/auth/login", post(login))
        // Else another site could log somebody in as somebody else.
        .layer(middleware::from_fn(refuse_cross_site))
        .route("/api/auth/logout", post(logout))
        .route("/api/auth/me", get(me))
        .route("/api/auth/password", post(change_password))
}

async fn refuse_cross_site(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    if cross_site::admit(&parts) {
        next.run(Request::from_parts(parts, body)).await
    } else {
        ApiError::CrossSite.into_response()
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginBody {
    username: String,
    #[schema(value_type = String)]
    password: SecretString,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LoginAnswer {
    /// For `Authorization: Bearer TOKEN`. Browsers have it in a cookie too.
    token: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// Begins a session.
#[utoipa::path(
    post, path = "/api/auth/login", tag = "auth", request_body = LoginBody, security(()),
    responses(
        (status = 200, body = LoginAnswer),
        (status = 400, body = ErrorBody, description = "not such a body"),
        (status = 401, body = ErrorBody, description = "wrong username or password"),
        (status = 429, body = ErrorBody, description = "too many failed logins"),
    )
)]
pub(crate) async fn login(
    State(services): State<Services>,
    ClientAddress(address): ClientAddress,
    Json(body): Json<LoginBody>,
) -> Result<Response, ApiError> {
    let login = services
        .auth
        .login(&body.username, body.password, address)
        .await?;

    let cookie = session_cookie(&services, &login)?;
    let answer = LoginAnswer {
        token: login.token.expose_secret().to_owned(),
        expires_at: login.expires_at,
    };
    let headers = [
        (header::SET_COOKIE, cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Json(answer)).into_response())
}

/// The header that gives a browser its session.
///
/// # Errors
///
/// None that could happen: tokens are plain ASCII.
pub(super) fn session_cookie(services: &Services, login: &Login) -> Result<HeaderValue, ApiError> {
    let lasts = (login.expires_at - services.clock.now()).whole_seconds();
    let cookie = cookie::set(&login.token, lasts, services.config.secure_cookies);
    cookie.map_err(|error| ApiError::Internal(error.into()))
}

/// Ends the session that the request is made in.
#[utoipa::path(
    post, path = "/api/auth/logout", tag = "auth",
    responses(
        (status = 204),
        (status = 400, body = ErrorBody, description = "made with an API token"),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn logout(
    State(services): State<Services>,
    caller: Authenticated,
) -> Result<Response, ApiError> {
    let session = caller.session().ok_or_else(|| {
        ApiError::Invalid(
            "this is an API token, not a session: end it with `DELETE /api/tokens/{id}`".to_owned(),
        )
    })?;

    services.auth.logout(&caller, session).await?;

    let cookie = cookie::clear(services.config.secure_cookies);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    username: String,
    roles: Vec<String>,
    /// What the roles add up to.
    permissions: Vec<String>,
    /// `session` or `token`.
    via: &'static str,
    /// What an API token narrows the permissions to.
    #[serde(skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<String>>,
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
}

/// Says who the request is from.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, body = Me), (status = 401, body = ErrorBody))
)]
pub(crate) async fn me(Authenticated(caller): Authenticated) -> Json<Me> {
    let (via, scopes) = match &caller.via {
        Via::Session(_) => ("session", None),
        Via::Token(_, scopes) => ("token", Some(scopes.iter().cloned().collect())),
    };
    Json(Me {
        username: caller.username.clone(),
        roles: caller.roles.iter().cloned().collect(),
        permissions: caller.permissions.iter().cloned().collect(),
        via,
        scopes,
        expires_at: caller.expires_at,
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    #[schema(value_type = String)]
    old_password: SecretString,
    #[schema(value_type = String)]
    new_password: SecretString,
}

/// Changes one's own password, and ends one's other sessions.
#[utoipa::path(
    post, path = "/api/auth/password", tag = "auth", request_body = PasswordChange,
    responses(
        (status = 204),
        (status = 400, body = ErrorBody, description = "the new password is unsuitable"),
        (status = 401, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "the old password is wrong"),
        (status = 429, body = ErrorBody, description = "too many failed logins"),
    )
)]
pub(crate) async fn change_password(
    State(services): State<Services>,
    caller: Authenticated,
    ClientAddress(address): ClientAddress,
    Json(body): Json<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    password::admit(&body.new_password)?;

    services
        .auth
        .change_password(&caller, body.old_password, body.new_password, address)
        .await
        .map_err(|error| match error {
            LoginError::Refused => ApiError::Unprocessable("the old password is wrong".to_owned()),
            LoginError::Throttled(_) | LoginError::Store(_) | LoginError::Internal(_) => {
                error.into()
            }
        })?;

    Ok(StatusCode::NO_CONTENT)
}

impl From<IdentifyError> for ApiError {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::Unknown => Self::Unauthenticated,
            IdentifyError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => Self::LoginRefused,
            LoginError::Throttled(seconds) => Self::TooManyLogins(seconds),
            LoginError::Store(error) => error.into(),
            LoginError::Internal(error) => error.into(),
        }
    }
}

impl From<Refused> for ApiError {
    fn from(Refused(permission): Refused) -> Self {
        Self::Forbidden(permission)
    }
}

impl From<Unsuitable> for ApiError {
    fn from(error: Unsuitable) -> Self {
        Self::Invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests;
