//! What the calls of all apps used and came to: for who looks after the host.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use utoipa::{IntoParams, ToSchema};

use super::auth::extract::Authenticated;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use super::receipts::{CallBody, FAILED, FLUSH, PAGE, PAGE_LIMIT, milliseconds};
use crate::auth::permission;
use crate::cell::Ending;
use crate::ids::AppName;
use crate::services::Services;
use crate::store::usage::{self, AppCallRow, Filter, Spell, StretchRow, SummaryRow};

/// How far back lists go, where the request does not say, in hours.
const HOURS: u16 = 24;
/// As many hours as a year has, and more than calls are kept by default.
const HOURS_MOST: u16 = 8_784;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/calls", get(list))
        .route("/api/calls/summary", get(summary))
        .route("/api/calls/timeline", get(timeline))
}

/// A call with the app that was called.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppCallBody {
    #[schema(value_type = String)]
    app: AppName,
    #[serde(flatten)]
    call: CallBody,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AppCallList {
    calls: Vec<AppCallBody>,
    /// What `before` must be for the next page; null on the last, and with `order=slowest`.
    next: Option<i64>,
}

/// What comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Order {
    #[default]
    Newest,
    Slowest,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Only calls of this app.
    app: Option<String>,
    /// Only calls with this outcome, or all that `failed`.
    outcome: Option<String>,
    /// Only calls that took so long.
    slower_than_ms: Option<u32>,
    /// Only calls of the last so many hours: 24, if not said.
    hours: Option<u16>,
    /// `newest` or `slowest` first.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// 1 to 1000; 50 if not said.
    limit: Option<i64>,
    /// `next` of the page before.
    before: Option<i64>,
}

/// Lists calls of all apps, of all nodes.
#[utoipa::path(
    get, path = "/api/calls", tag = "calls", params(ListQuery),
    responses(
        (status = 200, body = AppCallList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Result<Json<AppCallList>, ApiError> {
    admit(&caller)?;
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
    let app = query.app.as_deref().map(str::parse).transpose()?;

    services.ledger.flush(FLUSH).await;
    let slowest = query.order == Order::Slowest;
    let filter = Filter {
        app: app.as_ref(),
        since: since(&services, query.hours)?,
        before: query.before,
        outcome: outcome.map(Ending::name),
        failed,
        slower_than_micros: query.slower_than_ms.map(|slow| i64::from(slow) * 1_000),
        slowest,
        // One more, to know whether there is another page.
        limit: limit + 1,
    };
    let mut rows = usage::list(services.store.pool(), &filter).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page && !slowest;
    rows.truncate(page);
    let next = rows.last().filter(|_| more).map(|row| row.call.seq);
    Ok(Json(AppCallList {
        calls: rows.into_iter().map(AppCallBody::from).collect(),
        next,
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SummaryQuery {
    /// Of the last so many hours: 24, if not said.
    hours: Option<u16>,
}

/// What the calls of one app came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryBody {
    #[schema(value_type = String)]
    app: AppName,
    calls: i64,
    /// Those that did not end well.
    failed: i64,
    /// Half of the calls took no longer.
    median_ms: f64,
    /// 95 of 100 calls took no longer.
    p95_ms: f64,
    slowest_ms: f64,
    #[serde(with = "time::serde::rfc3339::option")]
    last_failed_at: Option<OffsetDateTime>,
    /// What went wrong the last time.
    last_error: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SummaryList {
    /// Those with most failures first, then the slowest. Apps that had no call are left out.
    apps: Vec<SummaryBody>,
}

/// Says for each app how many calls there were, how many failed, and how long they took.
#[utoipa::path(
    get, path = "/api/calls/summary", tag = "calls", params(SummaryQuery),
    responses(
        (status = 200, body = SummaryList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn summary(
    State(services): State<Services>,
    caller: Authenticated,
    Query(query): Query<SummaryQuery>,
) -> Result<Json<SummaryList>, ApiError> {
    admit(&caller)?;
    let since = since(&services, query.hours)?;
    services.ledger.flush(FLUSH).await;
    let rows = usage::summary(services.store.pool(), since).await?;
    Ok(Json(SummaryList {
        apps: rows.into_iter().map(SummaryBody::from).collect(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct TimelineQuery {
    /// Only calls of this app.
    app: Option<String>,
    /// Of the last so many hours: 24, if not said.
    hours: Option<u16>,
}

/// What the calls that began in one stretch of time came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct StretchBody {
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    calls: i64,
    /// Those that did not end well.
    failed: i64,
    /// Half of the calls took no longer; null where there were none.
    median_ms: Option<f64>,
    /// 95 of 100 calls took no longer.
    p95_ms: Option<f64>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// How long each stretch is.
    seconds: i64,
    /// Oldest first, without gaps. The first and the last may be cut.
    stretches: Vec<StretchBody>,
}

/// Says how many calls there were over time, how many failed, and how long they took.
#[utoipa::path(
    get, path = "/api/calls/timeline", tag = "calls", params(TimelineQuery),
    responses(
        (status = 200, body = Timeline),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn timeline(
    State(services): State<Services>,
    caller: Authenticated,
    Query(query): Query<TimelineQuery>,
) -> Result<Json<Timeline>, ApiError> {
    admit(&caller)?;
    let app = query.app.as_deref().map(str::parse).transpose()?;
    let since = since(&services, query.hours)?;
    let seconds = stretch(query.hours.unwrap_or(HOURS));
    services.ledger.flush(FLUSH).await;
    let spell = Spell {
        app: app.as_ref(),
        since,
        until: services.clock.now(),
        seconds,
    };
    let rows = usage::timeline(services.store.pool(), &spell).await?;
    Ok(Json(Timeline {
        seconds,
        stretches: rows.into_iter().map(StretchBody::from).collect(),
    }))
}

/// How long a stretch is, in seconds, so that there are about a hundred.
fn stretch(hours: u16) -> i64 {
    const NICE: [i64; 10] = [
        60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 345_600,
    ];
    let at_least = i64::from(hours) * 3_600 / 100;
    let fits = NICE.into_iter().find(|seconds| *seconds >= at_least);
    fits.unwrap_or(345_600)
}

/// Requires somebody whom the calls of all apps concern.
fn admit(caller: &Authenticated) -> Result<(), ApiError> {
    if !caller.may(permission::APPS) {
        caller.require(permission::READ)?;
    }
    Ok(())
}

fn since(services: &Services, hours: Option<u16>) -> Result<OffsetDateTime, ApiError> {
    let hours = hours.unwrap_or(HOURS);
    if !(1..=HOURS_MOST).contains(&hours) {
        let text = format!("`hours` is {hours}: it must be from 1 to {HOURS_MOST}");
        return Err(ApiError::Invalid(text));
    }
    Ok(services.clock.now() - Duration::hours(hours.into()))
}

impl From<AppCallRow> for AppCallBody {
    fn from(row: AppCallRow) -> Self {
        Self {
            app: row.app,
            call: row.call.into(),
        }
    }
}

impl From<StretchRow> for StretchBody {
    fn from(row: StretchRow) -> Self {
        Self {
            at: row.at,
            calls: row.calls,
            failed: row.failed,
            median_ms: row.median_micros.map(milliseconds),
            p95_ms: row.p95_micros.map(milliseconds),
        }
    }
}

impl From<SummaryRow> for SummaryBody {
    fn from(row: SummaryRow) -> Self {
        Self {
            app: row.app,
            calls: row.calls,
            failed: row.failed,
            median_ms: milliseconds(row.median_micros),
            p95_ms: milliseconds(row.p95_micros),
            slowest_ms: milliseconds(row.slowest_micros),
            last_failed_at: row.last_failed_at,
            last_error: row.last_error,
        }
    }
}

#[cfg(test)]
mod tests;
