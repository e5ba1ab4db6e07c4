//! Schedules of apps, as operators see and change them.

mod body;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::json;

use super::auth::extract::{AppsOperator, Authenticated};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::app::schedule::{BadTiming, Timing};
use crate::audit::Entry;
use crate::auth::permission;
use crate::deploy::ManageError;
use crate::ids::AppName;
use crate::schedules::NotFired;
use crate::services::Services;
use crate::store::schedules::{self, Filter, Own, ScheduleRow, runs};
use crate::store::{apps, audit};
use body::{FiredBody, Override, RunList, ScheduleBody, ScheduleDetails, ScheduleList};

/// Schedules, or firings, on a page: where the request does not say, and at most.
const PAGE: i64 = 50;
const PAGE_LIMIT: i64 = 200;
/// Next times that are shown, where the request does not say, and at most.
const NEXT: usize = 5;
const NEXT_LIMIT: usize = 100;
/// Firings that are shown beside a schedule.
const LAST: i64 = 10;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/schedules", get(list))
        .route("/api/apps/{app}/schedules", get(list_of_app))
        .route("/api/apps/{app}/schedules/{name}", get(find))
        .route("/api/apps/{app}/schedules/{name}/runs", get(list_runs))
        .route(
            "/api/apps/{app}/schedules/{name}/override",
            put(change).delete(reset),
        )
        .route("/api/apps/{app}/schedules/{name}/run", post(run))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    app: Option<AppName>,
    paused: Option<bool>,
    #[serde(default)]
    failing: bool,
    after: Option<String>,
    limit: Option<i64>,
}

/// Lists the schedules of all apps.
#[utoipa::path(
    get, path = "/api/schedules", tag = "schedules",
    params(
        ("app" = Option<String>, Query, description = "only those of this app"),
        ("paused" = Option<bool>, Query, description = "only those that are paused, or are not"),
        ("failing" = Option<bool>, Query, description = "only those that cannot fire, or could not"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 if not given"),
    ),
    responses(
        (status = 200, body = ScheduleList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
    Query(query): Query<ListQuery>,
) -> Result<Json<ScheduleList>, ApiError> {
    may_see(&caller)?;
    page(&services, query).await
}

/// Lists the schedules of an app.
#[utoipa::path(
    get, path = "/api/apps/{app}/schedules", tag = "schedules",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("paused" = Option<bool>, Query, description = "only those that are paused, or are not"),
        ("failing" = Option<bool>, Query, description = "only those that cannot fire, or could not"),
        ("after" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 if not given"),
    ),
    responses(
        (status = 200, body = ScheduleList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app"),
    )
)]
pub(crate) async fn list_of_app(
    State(services): State<Services>,
    caller: Authenticated,
    Path(app): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Json<ScheduleList>, ApiError> {
    may_see(&caller)?;
    let app: AppName = app.parse()?;
    if !apps::exists(services.store.pool(), &app).await? {
        return Err(ManageError::NotFound(app).into());
    }
    let query = ListQuery {
        app: Some(app),
        ..query
    };
    page(&services, query).await
}

async fn page(services: &Services, query: ListQuery) -> Result<Json<ScheduleList>, ApiError> {
    let limit = limit(query.limit)?;
    let after = query.after.as_deref().map(cursor).transpose()?;
    let filter = Filter {
        app: query.app.as_ref(),
        paused: query.paused,
        failing: query.failing,
        after: after.as_ref().map(|(app, name)| (app, name.as_str())),
        // One more, to know whether there is another page.
        limit: limit + 1,
    };
    let pool = services.store.pool();
    let mut rows = schedules::list(pool, filter).await?;
    let now = schedules::now(pool).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let last = rows.last().filter(|_| more).map(|row| &row.schedule);
    Ok(Json(ScheduleList {
        next: last.map(|row| format!("{}/{}", row.app, row.name)),
        schedules: rows
            .into_iter()
            .map(|row| ScheduleBody::new(row, now, NEXT))
            .collect(),
    }))
}

fn cursor(text: &str) -> Result<(AppName, String), ApiError> {
    let parts = text.split_once('/');
    let parsed = parts.and_then(|(app, name)| Some((app.parse().ok()?, name.to_owned())));
    parsed.ok_or_else(|| {
        ApiError::Invalid("`after` must be `next` of the page before, as it came".to_owned())
    })
}

fn limit(asked: Option<i64>) -> Result<i64, ApiError> {
    let limit = asked.unwrap_or(PAGE);
    if (1..=PAGE_LIMIT).contains(&limit) {
        return Ok(limit);
    }
    let text = format!("`limit` is {limit}: it must be from 1 to {PAGE_LIMIT}");
    Err(ApiError::Invalid(text))
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FindQuery {
    times: Option<usize>,
}

/// Shows a schedule: its policies, its next times, and what became of its last firings.
#[utoipa::path(
    get, path = "/api/apps/{app}/schedules/{name}", tag = "schedules",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the schedule's name"),
        ("times" = Option<usize>, Query, description = "how many next times: at most 100; 5 if not given"),
    ),
    responses(
        (status = 200, body = ScheduleDetails),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    caller: Authenticated,
    Path((app, name)): Path<(String, String)>,
    Query(query): Query<FindQuery>,
) -> Result<Json<ScheduleDetails>, ApiError> {
    may_see(&caller)?;
    let times = query.times.unwrap_or(NEXT);
    if times > NEXT_LIMIT {
        let text = format!("`times` is {times}: it must be at most {NEXT_LIMIT}");
        return Err(ApiError::Invalid(text));
    }
    let app: AppName = app.parse()?;
    let pool = services.store.pool();
    let runs = runs::list(pool, &app, &name, None, LAST).await?;
    Ok(Json(ScheduleDetails {
        schedule: shown(&services, &app, &name, times).await?,
        runs: runs.into_iter().map(Into::into).collect(),
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunsQuery {
    before: Option<i64>,
    limit: Option<i64>,
}

/// Lists what became of a schedule's firings, newest first. The newest 100 are kept.
#[utoipa::path(
    get, path = "/api/apps/{app}/schedules/{name}/runs", tag = "schedules",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the schedule's name"),
        ("before" = Option<i64>, Query, description = "`next` of the page before"),
        ("limit" = Option<i64>, Query, description = "1 to 200; 50 if not given"),
    ),
    responses(
        (status = 200, body = RunList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn list_runs(
    State(services): State<Services>,
    caller: Authenticated,
    Path((app, name)): Path<(String, String)>,
    Query(query): Query<RunsQuery>,
) -> Result<Json<RunList>, ApiError> {
    may_see(&caller)?;
    let limit = limit(query.limit)?;
    let app: AppName = app.parse()?;
    let pool = services.store.pool();
    if schedules::find(pool, &app, &name).await?.is_none() {
        return Err(NotFired::NotFound(app, name).into());
    }
    let mut rows = runs::list(pool, &app, &name, query.before, limit + 1).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    Ok(Json(RunList {
        next: rows.last().filter(|_| more).map(|row| row.id),
        runs: rows.into_iter().map(Into::into).collect(),
    }))
}

/// Says something else than the manifest declares: another time, or whether it is paused.
///
/// What is absent stays as it was; null goes back to what is declared. It holds until it is
/// taken back, for later releases too. While it is paused no firing is missed.
#[utoipa::path(
    put, path = "/api/apps/{app}/schedules/{name}/override", tag = "schedules",
    request_body = Override,
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the schedule's name"),
    ),
    responses(
        (status = 200, body = ScheduleBody),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "no such time; the text says why"),
    )
)]
pub(crate) async fn change(
    State(services): State<Services>,
    operator: AppsOperator,
    Path((app, name)): Path<(String, String)>,
    Json(body): Json<Override>,
) -> Result<Json<ScheduleBody>, ApiError> {
    let app: AppName = app.parse()?;
    set_own(
        &services,
        &operator,
        &app,
        &name,
        "schedule.override",
        |row| {
            let own = body.apply(&row.own);
            let cron = own.cron.as_deref().unwrap_or(row.declared_cron());
            let zone = own.timezone.as_deref().unwrap_or(row.declared_timezone());
            let timing = Timing::parse(cron, zone)?;
            Ok(Own {
                timezone: own.timezone.map(|_| timing.zone().to_owned()),
                ..own
            })
        },
    )
    .await
}

/// Goes back to what the manifest declares.
#[utoipa::path(
    delete, path = "/api/apps/{app}/schedules/{name}/override", tag = "schedules",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the schedule's name"),
    ),
    responses(
        (status = 200, body = ScheduleBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn reset(
    State(services): State<Services>,
    operator: AppsOperator,
    Path((app, name)): Path<(String, String)>,
) -> Result<Json<ScheduleBody>, ApiError> {
    let app: AppName = app.parse()?;
    set_own(&services, &operator, &app, &name, "schedule.reset", |_| {
        Ok(Own::default())
    })
    .await
}

async fn set_own(
    services: &Services,
    operator: &AppsOperator,
    app: &AppName,
    name: &str,
    action: &'static str,
    own: impl FnOnce(&ScheduleRow) -> Result<Own, ApiError>,
) -> Result<Json<ScheduleBody>, ApiError> {
    let mut tx = services.store.pool().begin().await?;
    let row = schedules::lock(&mut tx, app, name).await?;
    let mut row = row.ok_or_else(|| NotFired::NotFound(app.clone(), name.to_owned()))?;
    let own = own(&row)?;
    let told =
        |own: &Own| json!({ "cron": own.cron, "timezone": own.timezone, "paused": own.paused });
    let entry = Entry::new(operator.actor(), action, "schedule", name)
        .with("app", app.as_str())
        .with("override", told(&own))
        .with("override_before", told(&row.own));
    row.own = own;
    let now = schedules::now(&mut *tx).await?;
    schedules::set_own(&mut tx, &row, &operator.username, now).await?;
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    Ok(Json(shown(services, app, name, NEXT).await?))
}

/// Fires a schedule now, whether it is paused or not. Its times stay as they are.
#[utoipa::path(
    post, path = "/api/apps/{app}/schedules/{name}/run", tag = "schedules",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the schedule's name"),
    ),
    responses(
        (status = 202, body = FiredBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "a job of it waits or runs already"),
        (status = 503, body = ErrorBody, description = "the app is disabled"),
    )
)]
pub(crate) async fn run(
    State(services): State<Services>,
    operator: AppsOperator,
    Path((app, name)): Path<(String, String)>,
) -> Result<(StatusCode, Json<FiredBody>), ApiError> {
    let app: AppName = app.parse()?;
    services.serving.find(&app)?;
    let mut tx = services.store.pool().begin().await?;
    let by = &operator.username;
    let fired = services
        .schedules
        .fire_now(&mut tx, &app, &name, by)
        .await?;
    let entry = Entry::new(operator.actor(), "schedule.run", "schedule", &name)
        .with("app", app.as_str())
        .with("job", fired.job.map(|job| job.to_string()));
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(fired.into())))
}

async fn shown(
    services: &Services,
    app: &AppName,
    name: &str,
    times: usize,
) -> Result<ScheduleBody, ApiError> {
    let pool = services.store.pool();
    let row = schedules::find(pool, app, name).await?;
    let row = row.ok_or_else(|| NotFired::NotFound(app.clone(), name.to_owned()))?;
    let now = schedules::now(pool).await?;
    Ok(ScheduleBody::new(row, now, times))
}

/// Who manages apps sees their schedules, and so does who sees everything.
fn may_see(caller: &Authenticated) -> Result<(), ApiError> {
    if !caller.may(permission::APPS) {
        caller.require(permission::READ)?;
    }
    Ok(())
}

impl From<BadTiming> for ApiError {
    fn from(error: BadTiming) -> Self {
        Self::Unprocessable(error.to_string())
    }
}

impl From<NotFired> for ApiError {
    fn from(error: NotFired) -> Self {
        match error {
            NotFired::NotFound(..) => Self::NotFound(error.to_string()),
            NotFired::Running(_) | NotFired::Waiting(_) => Self::Conflict(error.to_string()),
            NotFired::Database(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
