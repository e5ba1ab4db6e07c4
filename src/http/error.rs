//! Errors as an HTTP client sees them, mapped in this one place.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::request_id;
use crate::deploy::Plan;

/// An error as an HTTP client sees it.
///
/// The text is for the client. The cause of [`ApiError::Internal`] is for us: it is
/// logged and never sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The request itself is wrong; the text says how to mend it.
    #[error("{0}")]
    Invalid(String),
    #[error(
        "not logged in: send `Authorization: Bearer TOKEN`, or log in at `POST /api/auth/login`"
    )]
    Unauthenticated,
    /// The text of a failed login says nothing about which part was wrong.
    #[error("wrong username or password")]
    LoginRefused,
    #[error("insufficient permissions: {0} required")]
    Forbidden(String),
    /// A request by cookie that another site may have sent.
    #[error("cross-site request refused: send it from Skep's own pages, or with a bearer token")]
    CrossSite,
    /// The text names what does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The request does not fit what is there; the text says what is.
    #[error("{0}")]
    Conflict(String),
    /// What was accepted is not what would be done; that comes along.
    #[error("{0}")]
    OtherPlan(String, Box<Plan>),
    #[error("this address does not take such a request: see /api/openapi.json")]
    MethodNotAllowed,
    /// The request was understood, and what it carries cannot be accepted.
    #[error("{0}")]
    Unprocessable(String),
    #[error("{0}")]
    TooLarge(String),
    #[error("too many failed logins: try again in {0} s")]
    TooManyLogins(u64),
    /// The caller has as many as one may have; the text says of what.
    #[error("{0}")]
    TooMany(String),
    /// The app's own code failed; the text is the app's.
    #[error("{0}")]
    App(String),
    /// The call was cut: its time is over.
    #[error("{0}")]
    TimedOut(String),
    /// The call was cut: its memory is used up.
    #[error("{0}")]
    OutOfMemory(String),
    /// The call was cut: it ran all its instructions.
    #[error("{0}")]
    OutOfFuel(String),
    /// Not now; the same request may succeed after so many seconds.
    #[error("{0}")]
    Unavailable(String, u64),
    /// Ours. The client gets the request id and nothing else.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

/// What every error's body holds.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    /// What is wrong, and where it can be mended, how.
    error: String,
    /// The kind of error, which does not change.
    code: &'static str,
    /// As in the header `X-Request-Id` and in the server's log.
    request_id: Option<uuid::Uuid>,
    /// With `other_plan`: what would be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Box<Plan>>,
}

impl ApiError {
    /// The status and the stable code of each case.
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::LoginRefused => (StatusCode::UNAUTHORIZED, "login_refused"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "forbidden"),
            Self::CrossSite => (StatusCode::FORBIDDEN, "cross_site"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::OtherPlan(..) => (StatusCode::CONFLICT, "other_plan"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Self::Unprocessable(_) => (StatusCode::UNPROCESSABLE_ENTITY, "unprocessable"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::TooManyLogins(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many_logins"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "too_many"),
            Self::App(_) => (StatusCode::INTERNAL_SERVER_ERROR, "app_failed"),
            Self::TimedOut(_) => (StatusCode::GATEWAY_TIMEOUT, "timed_out"),
            Self::OutOfMemory(_) => (StatusCode::INSUFFICIENT_STORAGE, "out_of_memory"),
            Self::OutOfFuel(_) => (StatusCode::GATEWAY_TIMEOUT, "out_of_fuel"),
            Self::Unavailable(..) => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        if let Self::TooManyLogins(seconds) | Self::Unavailable(_, seconds) = self {
            Some(*seconds)
        } else {
            None
        }
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        // PostgreSQL keeps no text with the character NUL, wherever in a request it stands.
        let code = error.as_database_error().and_then(|error| error.code());
        if code.as_deref() == Some("22021") {
            return Self::Invalid("a text of the request has the character NUL in it".to_owned());
        }
        Self::Internal(error.into())
    }
}

impl From<anyhow::Error> for ApiError {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.kind();
        if let Self::Internal(cause) = &self {
            let request = request_id::current().map(tracing::field::display);
            tracing::error!(request, error = format!("{cause:#}"), "request failed");
        }
        let (error, retry_after) = (self.to_string(), self.retry_after());
        let is_unauthenticated = matches!(self, Self::Unauthenticated);
        let plan = if let Self::OtherPlan(_, plan) = self {
            Some(plan)
        } else {
            None
        };
        let body = ErrorBody {
            error,
            code,
            request_id: request_id::current(),
            plan,
        };
        let mut response = (status, Json(body)).into_response();
        if let Some(seconds) = retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if is_unauthenticated {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
