//! What apps have logged: searched, of one call, and followed.

mod follow;

pub(crate) use follow::{__path_follow, OF_ALL, OF_USER};

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::auth::{Identity, permission};
use crate::capability::log::{Level, Origin, UnknownLevel, UnknownSource};
use crate::ids::{AppName, CallId, JobId};
use crate::services::Services;
use crate::store::apps;
use crate::store::logs::{self, Filter, LineRow, Place};

/// Lines of a page, where the request does not say, and at most.
const PAGE: i64 = 100;
const MOST: i64 = 1_000;
/// How long a reader waits for the lines that were written just now.
const FLUSH: Duration = Duration::from_secs(1);
/// How long a search may take.
const SEARCH: Duration = Duration::from_secs(10);
/// The longest text to search for, in bytes.
const TEXT_BYTES: usize = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/logs", get(list))
        .route("/api/logs/follow", get(follow::follow))
        .route("/api/apps/{app}/calls/{id}/logs", get(of_call))
}

/// A line of an app's log.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineBody {
    /// Counted over all apps, in the order of writing. Some numbers are left out.
    id: i64,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    #[schema(value_type = String)]
    app: AppName,
    /// The number of the release; null where its deploy failed.
    release: Option<i32>,
    /// The call that it is from: `X-Request-Id` of its answer.
    call: Uuid,
    /// The job that the call worked at.
    job: Option<Uuid>,
    /// Which attempt at the job it was.
    attempt: Option<i32>,
    level: Level,
    /// `log` (the app's own word, Python's logging included), `stdout`, `stderr`, `failure` (how
    /// a call ended that did not end well) or `host` (what Skep has to say; `part` of the
    /// detail says which part of it).
    source: String,
    /// As the app wrote it, at most 8 KiB of it: it may hold line breaks and control characters.
    message: String,
    /// Any JSON.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

impl From<LineRow> for LineBody {
    fn from(row: LineRow) -> Self {
        Self {
            id: row.seq,
            at: row.at,
            app: row.app,
            release: row.release,
            call: row.call_id.0,
            job: row.job_id.map(|job| job.0),
            attempt: row.attempt,
            level: Level::of_number(row.level),
            source: row.source,
            message: row.message,
            detail: row.detail.map(|detail| detail.0),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct LineList {
    /// Newest first.
    lines: Vec<LineBody>,
    /// What `before` must be for the next page; null on the last.
    next: Option<String>,
    /// The number of the newest line of all: follow from here to miss none.
    newest: i64,
}

/// Which lines.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this app; of all, if not said.
    app: Option<String>,
    /// Of this level or above: debug, info, warn or error.
    level: Option<String>,
    /// Only from this source: log, stdout, stderr, failure or host.
    source: Option<String>,
    /// Only of the call of this id.
    call: Option<Uuid>,
    /// Only of calls that worked at the job of this id.
    job: Option<Uuid>,
    /// Not older than this time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>)]
    since: Option<OffsetDateTime>,
    /// Older than this time.
    #[serde(default, with = "time::serde::rfc3339::option")]
    #[param(value_type = Option<String>)]
    until: Option<OffsetDateTime>,
    /// Only with this text in the message, or in the detail as PostgreSQL writes it. Every
    /// character stands for itself, and case matters.
    q: Option<String>,
    /// `next` of the page before.
    before: Option<String>,
    /// 1 to 1000; 100 if not given.
    limit: Option<i64>,
}

/// Searches the logs of apps, newest first, over all nodes.
#[utoipa::path(
    get, path = "/api/logs", tag = "logs", params(ListQuery),
    responses(
        (status = 200, body = LineList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app"),
        (status = 422, body = ErrorBody, description = "the search took too long"),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Result<Json<LineList>, ApiError> {
    admit(&caller)?;
    let filter = Filter {
        app: query.app.as_deref().map(str::parse).transpose()?,
        level: level(query.level.as_deref())?,
        source: query.source.as_deref().map(Origin::known).transpose()?,
        call: query.call.map(CallId),
        job: query.job.map(JobId),
        since: query.since,
        until: query.until,
        text: text(query.q)?,
    };
    let before = query.before.as_deref().map(place).transpose()?;
    page(&services, &filter, before, query.limit).await
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct CallQuery {
    /// `next` of the page before.
    before: Option<String>,
    /// 1 to 1000; 100 if not given.
    limit: Option<i64>,
}

/// Shows what one call has logged, newest first.
#[utoipa::path(
    get, path = "/api/apps/{app}/calls/{id}/logs", tag = "logs",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("id" = Uuid, Path, description = "`X-Request-Id` of the answer"),
        CallQuery,
    ),
    responses(
        (status = 200, body = LineList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app"),
    )
)]
pub(crate) async fn of_call(
    State(services): State<Services>,
    caller: Authenticated,
    Path((app, id)): Path<(String, String)>,
    Query(query): Query<CallQuery>,
) -> Result<Json<LineList>, ApiError> {
    admit(&caller)?;
    let call = id
        .parse()
        .map_err(|_| ApiError::Invalid(format!("`{id}` is not the id of a call: it is a UUID")))?;
    let filter = Filter {
        app: Some(app.parse()?),
        call: Some(call),
        ..Filter::default()
    };
    let before = query.before.as_deref().map(place).transpose()?;
    page(&services, &filter, before, query.limit).await
}

async fn page(
    services: &Services,
    filter: &Filter,
    before: Option<Place>,
    limit: Option<i64>,
) -> Result<Json<LineList>, ApiError> {
    if let Some(app) = &filter.app
        && !apps::exists(services.store.pool(), app).await?
    {
        return Err(ApiError::NotFound(format!("app '{app}' not found")));
    }
    let limit = limit.unwrap_or(PAGE);
    if !(1..=MOST).contains(&limit) {
        let text = format!("`limit` is {limit}: it must be from 1 to {MOST}");
        return Err(ApiError::Invalid(text));
    }
    services.book.flush(FLUSH).await;
    let mut tx = services.store.pool().begin().await?;
    // Before the lines: what comes in between is shown twice rather than not at all.
    let newest = logs::newest(&mut *tx).await?;
    logs::bound(&mut tx, SEARCH).await?;
    // One more, to know whether there is another page.
    let found = logs::list(&mut *tx, filter, before, limit + 1).await;
    let mut rows = found.map_err(|error| took_too_long(&error).unwrap_or_else(|| error.into()))?;
    tx.commit().await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(cursor);
    Ok(Json(LineList {
        lines: rows.into_iter().map(LineBody::from).collect(),
        next,
        newest,
    }))
}

/// Whether the caller may see what apps have logged.
fn admit(caller: &Identity) -> Result<(), ApiError> {
    if !caller.may(permission::APPS) && !caller.may(permission::READ) {
        caller.require(permission::LOGS)?;
    }
    Ok(())
}

fn level(name: Option<&str>) -> Result<i16, UnknownLevel> {
    Ok(name.map_or(Ok(Level::Debug), str::parse)?.number())
}

fn text(text: Option<String>) -> Result<Option<String>, ApiError> {
    match text {
        Some(text) if text.contains('\0') => Err(ApiError::Invalid(
            "`q` holds a NUL, which no line does".to_owned(),
        )),
        Some(text) if text.len() > TEXT_BYTES => Err(ApiError::Invalid(format!(
            "`q` is longer than {TEXT_BYTES} bytes"
        ))),
        text => Ok(text.filter(|text| !text.is_empty())),
    }
}

/// Where a line stands in a list, in the form of `next` and `before`.
fn cursor(row: &LineRow) -> String {
    format!("{}-{}", row.at.unix_timestamp_nanos() / 1_000, row.seq)
}

fn place(cursor: &str) -> Result<Place, ApiError> {
    let place = cursor.split_once('-').and_then(|(micros, seq)| {
        let nanos = micros.parse::<i64>().ok()?;
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos) * 1_000).ok()?;
        Some((at, seq.parse().ok()?))
    });
    place.ok_or_else(|| {
        ApiError::Invalid("`before` is not `next` of a page: leave it out for the first".to_owned())
    })
}

fn took_too_long(error: &sqlx::Error) -> Option<ApiError> {
    const QUERY_CANCELED: &str = "57014";
    let code = error.as_database_error()?.code()?;
    (code == QUERY_CANCELED).then(|| {
        ApiError::Unprocessable(format!(
            "the search took longer than {} s: narrow it down with `app`, `since` or `call`",
            SEARCH.as_secs()
        ))
    })
}

impl From<UnknownLevel> for ApiError {
    fn from(error: UnknownLevel) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<UnknownSource> for ApiError {
    fn from(error: UnknownSource) -> Self {
        Self::Invalid(error.to_string())
    }
}

#[cfg(test)]
mod tests;
