//! The log of calls: what each of an app's calls used and came to.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::auth::permission;
use crate::cell::{Ending, UnknownEnding};
use crate::deploy::ManageError;
use crate::ids::{AppName, CallId};
use crate::services::Services;
use crate::store::calls::{CallRow, Filter};
use crate::store::{apps, calls};

/// Calls on a page, where the request does not say.
pub(super) const PAGE: i64 = 50;
/// The most calls on a page.
pub(super) const PAGE_LIMIT: i64 = 1_000;
/// What `outcome` takes beside the names of outcomes.
pub(super) const FAILED: &str = "failed";
/// How long a reader waits for the calls that ended just now.
pub(super) const FLUSH: Duration = Duration::from_secs(1);

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/apps/{app}/calls", get(list))
        .route("/api/apps/{app}/calls/{id}", get(find))
}

/// A call that is over, with its receipt. Times are in milliseconds.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallBody {
    /// As in `X-Request-Id` of the answer, and in the log. A client may have chosen it.
    id: Uuid,
    /// The number of the release; null where its deploy failed.
    release: Option<i32>,
    /// `execute`; `job`, `task` or `hook` of a job; or `load` at a deploy.
    entry: String,
    /// The job that it worked at.
    job: Option<Uuid>,
    /// Which attempt at the job it was: 1 for the first.
    attempt: Option<i32>,
    /// The username of who called.
    caller: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[schema(value_type = Ending)]
    outcome: String,
    /// What went wrong, at most 1 KiB of it.
    error: Option<String>,
    /// From its start to its answer.
    wall_ms: f64,
    /// Waiting for a place.
    queued_ms: f64,
    /// Making the cell.
    instantiate_ms: f64,
    /// The app's own time.
    guest_ms: f64,
    /// Waiting for the database.
    db_ms: f64,
    /// Instructions, where they were counted.
    fuel: Option<i64>,
    /// The most memory that the cell has had.
    memory_bytes: i64,
    /// Statements that the app asked for, refused ones included.
    statements: i64,
    /// Rows of all results.
    rows: i64,
    /// Statements and parameters.
    db_sent_bytes: i64,
    /// Results.
    db_received_bytes: i64,
    /// Waiting for HTTP servers, over all requests.
    egress_ms: f64,
    /// HTTP requests that were sent.
    egress_requests: i64,
    egress_sent_bytes: i64,
    egress_received_bytes: i64,
    /// The data that the app was given.
    payload_bytes: i64,
    answer_bytes: i64,
    log_lines: i64,
}

impl From<CallRow> for CallBody {
    fn from(row: CallRow) -> Self {
        let used = row.used;
        Self {
            id: row.id.0,
            release: row.release,
            entry: row.entry,
            job: row.job.map(|job| job.0),
            attempt: row.attempt,
            caller: row.caller,
            started_at: row.started_at,
            outcome: row.outcome,
            error: row.error,
            wall_ms: milliseconds(used.wall_micros),
            queued_ms: milliseconds(used.queued_micros),
            instantiate_ms: milliseconds(used.instantiate_micros),
            guest_ms: milliseconds(used.guest_micros),
            db_ms: milliseconds(used.db_micros),
            fuel: used.fuel,
            memory_bytes: used.memory_bytes,
            statements: used.statements,
            rows: used.rows,
            db_sent_bytes: used.db_sent_bytes,
            db_received_bytes: used.db_received_bytes,
            egress_ms: milliseconds(used.egress_micros),
            egress_requests: used.egress_requests,
            egress_sent_bytes: used.egress_sent_bytes,
            egress_received_bytes: used.egress_received_bytes,
            payload_bytes: used.payload_bytes,
            answer_bytes: used.answer_bytes,
            log_lines: used.log_lines,
        }
    }
}

pub(super) fn milliseconds(micros: i64) -> f64 {
    Duration::from_micros(u64::try_from(micros).unwrap_or_default()).as_secs_f64() * 1_000.0
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CallList {
    /// Newest first.
    calls: Vec<CallBody>,
    /// What `before` must be for the next page; null on the last.
    next: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    limit: Option<i64>,
    before: Option<i64>,
    outcome: Option<String>,
    slower_than_ms: Option<u32>,
}

/// Lists an app's calls, newest first, of all nodes.
#[utoipa::path(
    get, path = "/api/apps/{app}/calls", tag = "calls",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("limit" = Option<i64>, Query, description = "1 to 1000; 50 if not given"),
        ("before" = Option<i64>, Query, description = "`next` of the page before"),
        ("outcome" = Option<String>, Query, description = "only calls with this outcome, or all that `failed`"),
        ("slower_than_ms" = Option<u32>, Query, description = "only calls that took so long"),
    ),
    responses(
        (status = 200, body = CallList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app"),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
    Path(app): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<CallList>, ApiError> {
    let app = admit(&services, &caller, &app).await?;
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=PAGE_LIMIT).contains(&limit) {
        let text = format!("`limit` is {limit}: it must be from 1 to {PAGE_LIMIT}");
        return Err(ApiError::Invalid(text));
    }
    let failed = query.outcome.as_deref() == Some(FAILED);
    let outcome = match &query.outcome {
        Some(name) if !failed => Some(name.parse::<Ending>()?),
        Some(_) | None => None,
    };

    services.ledger.flush(FLUSH).await;
    let filter = Filter {
        before: query.before,
        outcome: outcome.map(Ending::name),
        failed,
        slower_than_micros: query.slower_than_ms.map(|slow| i64::from(slow) * 1_000),
        // One more, to know whether there is another page.
        limit: limit + 1,
    };
    let mut rows = calls::list(services.store.pool(), &app, &filter).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    rows.truncate(page);
    let next = rows.last().filter(|_| more).map(|row| row.seq);
    Ok(Json(CallList {
        calls: rows.into_iter().map(CallBody::from).collect(),
        next,
    }))
}

/// Shows one call. Of several with one id, it is the latest.
#[utoipa::path(
    get, path = "/api/apps/{app}/calls/{id}", tag = "calls",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = Uuid, Path, description = "`X-Request-Id` of the answer"),
    ),
    responses(
        (status = 200, body = CallBody),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app, or no such call of it"),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    caller: Authenticated,
    Path((app, id)): Path<(String, String)>,
) -> Result<Json<CallBody>, ApiError> {
    let app = admit(&services, &caller, &app).await?;
    let id: CallId = id
        .parse()
        .map_err(|_| ApiError::Invalid(format!("`{id}` is not the id of a call: it is a UUID")))?;
    services.ledger.flush(FLUSH).await;
    let row = calls::find(services.store.pool(), &app, id).await?;
    let row = row.ok_or_else(|| {
        ApiError::NotFound(format!(
            "app '{app}' has no call {id} in its log: it may have been too long ago"
        ))
    })?;
    Ok(Json(row.into()))
}

/// The app, if it is there and its calls are the caller's to see.
async fn admit(
    services: &Services,
    caller: &Authenticated,
    app: &str,
) -> Result<AppName, ApiError> {
    if !caller.may(permission::APPS) {
        caller.require(permission::READ)?;
    }
    let app: AppName = app.parse()?;
    if apps::find(services.store.pool(), &app).await?.is_none() {
        return Err(ManageError::NotFound(app).into());
    }
    Ok(app)
}

impl From<UnknownEnding> for ApiError {
    fn from(error: UnknownEnding) -> Self {
        Self::Invalid(format!("{error}; or `{FAILED}` for all but the good ones"))
    }
}
