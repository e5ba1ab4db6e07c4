//! Calls of apps: `POST /api/sync/{app}`.
//!
//! What goes in and comes out is the NodeRouter contract's: an object in, the app's object
//! out without `_actions`, every error as `{"error": text}`.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;

use super::auth::extract::AppsCaller;
use super::error::{ApiError, ErrorBody};
use super::request_id;
use crate::app::payload::{self, BadPayload};
use crate::auth::Identity;
use crate::capability::caller::Caller;
use crate::capability::db::session::Source;
use crate::cell::{Call, CallError, Entry, Receipt};
use crate::deploy::NotServing;
use crate::ids::{AppName, CallId};
use crate::services::Services;

/// The largest body of a call, in bytes.
pub(crate) const BODY_BYTES: usize = 16 * 1024 * 1024;
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/sync/{app}", post(call))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
}

/// Calls an app and waits for its answer.
///
/// The body is a JSON object for the app; an empty one is `{}`. A key `_job_id` is removed.
/// An object that the app returns is the answer, without its key `_actions`; any other value
/// is answered as `{"result": value}`. `Server-Timing` says where the time went.
#[utoipa::path(
    post, path = "/api/sync/{app}", tag = "calls", request_body = Object,
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = Object, description = "what the app returned"),
        (status = 400, body = ErrorBody, description = "a bad app name, or not a JSON object"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "the app requires a permission"),
        (status = 404, body = ErrorBody, description = "no such app"),
        (status = 413, body = ErrorBody, description = "the body is larger than 16 MiB"),
        (status = 500, body = ErrorBody, description = "the app failed; the text is its own"),
        (status = 503, body = ErrorBody, description = "the app is disabled or busy"),
        (status = 504, body = ErrorBody, description = "the app took too long, or ran too many instructions"),
        (status = 507, body = ErrorBody, description = "the app needed too much memory"),
    )
)]
pub(crate) async fn call(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(app): Path<String>,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, ApiError> {
    let app: AppName = app
        .parse()
        .map_err(|error: crate::ids::InvalidAppName| ApiError::Invalid(error.to_string()))?;
    let serving = services.serving.find(&app)?;
    if let Some(permission) = &serving.required_permission {
        caller.require(permission)?;
    }
    let body = body.map_err(|rejection| too_large(&rejection))?;
    let data = payload::admit(&body)?;

    let call = Call {
        id: CallId(request_id::current().unwrap_or_else(|| services.entropy.id(&services.clock))),
        entry: Entry::Execute(data),
        caller: Some(Arc::new(as_seen_by_apps(&caller))),
        database: Source::App {
            pools: services.pools.clone(),
            app,
            inspector: serving.inspector.clone(),
        },
        budget: serving.image.settings().budget,
        attempt: None,
    };
    let outcome = services.cells.run(&serving.image, call).await;
    let app = &serving.image.settings().app;
    let timing = server_timing(&outcome.receipt);
    let (limits, settings) = (services.cells.limits(), serving.image.settings());
    services.uses.note_call(limits, settings, &outcome.receipt);

    let mut response = match outcome.result {
        Ok(answer) => {
            let answer = payload::answer(answer)
                .ok_or_else(|| ApiError::App("response serialization failed".to_owned()))?;
            ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
        }
        Err(error) => ApiError::from(error).into_response(),
    };
    // Behind the answer: that it cannot be sent is no caller's business. An answer that is none
    // fires nothing.
    if response.status().is_success() {
        services.notifications.send(app, outcome.notifications);
    }
    if let Ok(timing) = HeaderValue::from_str(&timing) {
        response.headers_mut().insert(SERVER_TIMING, timing);
    }
    Ok(response)
}

pub(super) fn too_large(rejection: &axum::extract::rejection::BytesRejection) -> ApiError {
    if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        let limit = BODY_BYTES / (1024 * 1024);
        ApiError::TooLarge(format!(
            "the body is larger than {limit} MiB: send it in parts"
        ))
    } else {
        ApiError::Invalid("the body ended too early".to_owned())
    }
}

fn as_seen_by_apps(identity: &Identity) -> Caller {
    Caller {
        user_id: identity.user.to_string(),
        username: identity.username.clone(),
        roles: identity.roles.iter().cloned().collect(),
        permissions: identity.permissions.iter().cloned().collect(),
    }
}

/// The receipt as browsers show it: durations in milliseconds, the rest as descriptions.
fn server_timing(receipt: &Receipt) -> String {
    let mut times = vec![
        ("queue", receipt.queued),
        ("cell", receipt.instantiate),
        ("app", receipt.guest()),
        ("db", receipt.database.waited),
        ("total", receipt.wall()),
    ];
    if receipt.egress.requests > 0 {
        times.push(("egress", receipt.egress.waited));
    }
    let mut text = String::new();
    for (name, duration) in times {
        // Writing to a String cannot fail.
        let _ = write!(text, "{name};dur={:.3}, ", duration.as_secs_f64() * 1_000.0);
    }
    if let Some(fuel) = receipt.fuel {
        let _ = write!(text, "fuel;desc={fuel}, ");
    }
    let _ = write!(
        text,
        "memory;desc={}, statements;desc={}, rows;desc={}, sent;desc={}, received;desc={}, \
         log-lines;desc={}",
        receipt.memory,
        receipt.database.statements,
        receipt.database.rows,
        receipt.database.sent,
        receipt.database.received,
        receipt.log_lines,
    );
    text
}

impl From<BadPayload> for ApiError {
    fn from(error: BadPayload) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<NotServing> for ApiError {
    fn from(error: NotServing) -> Self {
        match error {
            NotServing::NotFound(_) => Self::NotFound(error.to_string()),
            NotServing::Disabled(_) | NotServing::Starting(_) => {
                Self::Unavailable(error.to_string(), 10)
            }
        }
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        let text = error.to_string();
        match error {
            CallError::App { .. }
            | CallError::NotWell { .. }
            | CallError::AnswerTooLarge
            | CallError::Crashed(_) => Self::App(text),
            CallError::TimedOut(_) => Self::TimedOut(text),
            CallError::OutOfMemory(_) => Self::OutOfMemory(text),
            CallError::OutOfFuel(_) => Self::OutOfFuel(text),
            CallError::Busy(_) => Self::Unavailable(text, 1),
            // Only jobs are stopped, and nobody waits for their answers.
            CallError::Stopped => Self::Unavailable(text, 1),
            // The cell wrote the cause to the log.
            CallError::Internal(cause) => Self::Internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::capability::db::session::Usage;

    #[test]
    fn the_receipt_is_shown_in_milliseconds() {
        let receipt = Receipt {
            queued: Duration::from_micros(250),
            instantiate: Duration::from_millis(1),
            run: Duration::from_millis(5),
            database: Usage {
                waited: Duration::from_millis(2),
                statements: 3,
                rows: 7,
                sent: 21,
                received: 70,
            },
            fuel: Some(900),
            memory: 65_536,
            log_lines: 1,
            ..Receipt::default()
        };

        assert_eq!(
            server_timing(&receipt),
            "queue;dur=0.250, cell;dur=1.000, app;dur=3.000, db;dur=2.000, total;dur=6.250, \
             fuel;desc=900, memory;desc=65536, statements;desc=3, rows;desc=7, sent;desc=21, \
             received;desc=70, log-lines;desc=1"
        );
    }
}
