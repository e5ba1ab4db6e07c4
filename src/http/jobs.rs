//! Jobs: queueing one, asking how it is, and managing them.
//!
//! `POST /api/async/{app}` and `GET /api/async/jobs/{id}` are the NodeRouter contract's. Its
//! pollers know four states and ask until one of two comes, so a cancelled job has `failed`, and
//! so has one that is not there.

mod body;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use sqlx::PgConnection;

use self::body::{AttemptBody, JobBody, JobDetails, JobList, Purge, Purged, QueuedBody};
use super::auth::extract::{AppsCaller, AppsOperator};
use super::calls::{BODY_BYTES, too_large};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::app::{JobEntry, payload};
use crate::audit::Entry;
use crate::auth::{Identity, permission};
use crate::capability::jobs::{backlog, policy};
use crate::ids::{AppName, InvalidAppName, JobId};
use crate::services::Services;
use crate::store::jobs::{self, Filter, JobRow, NewJob, Surplus};
use crate::store::{apps, audit};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Jobs of one page of a list.
const PAGE: i64 = 200;
/// Jobs that are deleted in one transaction.
const CHUNK: i64 = 500;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/async/{app}", post(enqueue))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .route("/api/async/jobs/{id}", get(find))
        .route("/api/jobs", get(list))
        .route("/api/jobs/purge", post(purge))
        .route("/api/jobs/{id}", get(show))
        .route("/api/jobs/{id}/cancel", post(cancel))
        .route("/api/jobs/{id}/retry", post(retry))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnqueueQuery {
    task: Option<String>,
}

/// Which jobs to list.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListQuery {
    app: Option<AppName>,
    status: Option<Status>,
    entry: Option<String>,
    mine: bool,
    before: Option<JobId>,
    limit: Option<u16>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Running,
    Completed,
    Failed,
}

/// Queues a job: the app is called with the body later, and its answer is kept.
///
/// The body is what `/api/sync/{app}` takes. With a header `Idempotency-Key`, the same user's
/// same request to the same app is one job, however often it is sent.
#[utoipa::path(
    post, path = "/api/async/{app}", tag = "jobs", request_body = Object,
    params(
        ("app" = String, Path, description = "the app's name"),
        ("task" = Option<String>, Query,
            description = "the task of the manifest that is called instead of `execute`; needs `skep:apps`"),
        ("Idempotency-Key" = Option<String>, Header, description = "at most 200 bytes"),
    ),
    responses(
        (status = 202, body = QueuedBody),
        (status = 400, body = ErrorBody, description = "a bad app name, or not a JSON object"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "the app requires a permission"),
        (status = 404, body = ErrorBody, description = "no such app"),
        (status = 409, body = ErrorBody, description = "the key belongs to another body"),
        (status = 413, body = ErrorBody, description = "the body is larger than 16 MiB"),
        (status = 503, body = ErrorBody, description = "the app is disabled, or too much waits"),
    )
)]
pub(crate) async fn enqueue(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(app): Path<String>,
    headers: HeaderMap,
    Query(query): Query<EnqueueQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<QueuedBody>), ApiError> {
    let app: AppName = app
        .parse()
        .map_err(|error: InvalidAppName| ApiError::Invalid(error.to_string()))?;
    let serving = services.serving.find(&app)?;
    if let Some(permission) = &serving.required_permission {
        caller.require(permission)?;
    }
    let entry = match query.task {
        None => JobEntry::Execute,
        Some(task) => {
            // What an app does in the background it lets its users begin, or not.
            caller.require(permission::APPS)?;
            JobEntry::Task(task)
        }
    };
    let body = body.map_err(|rejection| too_large(&rejection))?;
    let payload = payload::admit(&body)?;
    let key = idempotency_key(&headers)?;
    policy::admit(&payload, key, 0).map_err(|refused| ApiError::Invalid(refused.to_string()))?;
    let grant = &serving.image.settings().jobs;
    grant
        .admit(&entry)
        .map_err(|refused| ApiError::Invalid(refused.to_string()))?;
    must_have_room(&services, &app).await?;

    // A key is its user's own: nobody takes another's, or learns that it is taken.
    let key = key.map(|key| format!("user:{}:{key}", caller.user));
    let new = NewJob {
        id: JobId(services.entropy.id(&services.clock)),
        app: &app,
        entry: &entry,
        payload: &payload,
        key: key.as_deref(),
        created_by: Some(caller.user),
        priority: 0,
        settings: grant.settings,
    };
    let pool = services.store.pool();
    let job = jobs::insert(pool, new).await?;
    let mut status = "pending".to_owned();
    if job != new.id {
        if !jobs::is_same(pool, job, &entry, &payload).await? {
            return Err(ApiError::Conflict(
                "this Idempotency-Key belongs to a job with another body: take a new key"
                    .to_owned(),
            ));
        }
        if let Some(known) = jobs::find(pool, job).await? {
            status = known.status;
        }
    }
    Ok((
        StatusCode::ACCEPTED,
        Json(QueuedBody {
            job_id: job.0,
            status,
            node: services.jobs.node().to_owned(),
        }),
    ))
}

async fn must_have_room(services: &Services, app: &AppName) -> Result<(), ApiError> {
    if services.jobs.has_room(app).await? {
        return Ok(());
    }
    let text = format!("app '{app}' has {} jobs waiting", backlog::MOST);
    Err(ApiError::Unavailable(text, 60))
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let text = value.to_str().map_err(|_| {
        ApiError::Invalid("the header Idempotency-Key must be plain ASCII".to_owned())
    })?;
    Ok(Some(text))
}

/// Tells how a job is, to the user who queued it and to those who may see everything.
///
/// A job that is not there is `failed` too, for pollers that look at nothing else.
#[utoipa::path(
    get, path = "/api/async/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses(
        (status = 200, body = JobBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such job, or somebody else's"),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match seen(&services, &caller, &id).await {
        Ok(job) => Ok(Json(JobBody::from(job)).into_response()),
        Err(error @ ApiError::NotFound(_)) => {
            let text = error.to_string();
            let body = serde_json::json!({
                "id": id, "status": "failed", "error": text, "error_message": text,
                "code": "not_found",
            });
            Ok((StatusCode::NOT_FOUND, Json(body)).into_response())
        }
        Err(error) => Err(error),
    }
}

/// Shows a job with all its attempts.
#[utoipa::path(
    get, path = "/api/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses(
        (status = 200, body = JobDetails),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such job, or somebody else's"),
    )
)]
pub(crate) async fn show(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(id): Path<String>,
) -> Result<Json<JobDetails>, ApiError> {
    let job = seen(&services, &caller, &id).await?;
    let attempts = jobs::attempts_of(services.store.pool(), job.id).await?;
    Ok(Json(JobDetails {
        job: job.into(),
        attempts: attempts.into_iter().map(AttemptBody::from).collect(),
    }))
}

/// Lists jobs, newest first: one's own, or everybody's for those who may see everything.
#[utoipa::path(
    get, path = "/api/jobs", tag = "jobs",
    params(
        ("app" = Option<String>, Query, description = "of this app only"),
        ("status" = Option<String>, Query, description = "in this state only"),
        ("entry" = Option<String>, Query,
            description = "`execute`, `task`, `hook`, or one of them such as `task sync`"),
        ("mine" = Option<bool>, Query, description = "one's own only"),
        ("before" = Option<String>, Query, description = "queued before the job of this id"),
        ("limit" = Option<u16>, Query, description = "how many, 200 at most and by default 50"),
    ),
    responses(
        (status = 200, body = JobList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: AppsCaller,
    Query(query): Query<ListQuery>,
) -> Result<Json<JobList>, ApiError> {
    let own_only = query.mine || !caller.may(permission::READ);
    let filter = Filter {
        app: query.app.as_ref(),
        status: query.status.map(Status::word),
        entry: query.entry.as_deref(),
        created_by: own_only.then_some(caller.user),
        before: query.before,
        limit: query.limit.map_or(50, i64::from).clamp(1, PAGE),
    };
    let rows = jobs::list(services.store.pool(), filter).await?;
    Ok(Json(JobList {
        jobs: rows.into_iter().map(JobBody::from).collect(),
    }))
}

/// Cancels a job: one that waits never starts, one that runs is stopped at once.
#[utoipa::path(
    post, path = "/api/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses(
        (status = 200, body = JobBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such job, or somebody else's"),
        (status = 409, body = ErrorBody, description = "it has finished"),
    )
)]
pub(crate) async fn cancel(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(id): Path<String>,
) -> Result<Json<JobBody>, ApiError> {
    let job = managed(&services, &caller, &id).await?;
    let mut tx = services.store.pool().begin().await?;
    let cancelled = jobs::cancel(&mut tx, job.id).await?;
    if cancelled {
        record(&services, &mut tx, &caller, &job, "job.cancel").await?;
    }
    tx.commit().await?;
    let job = seen(&services, &caller, &id).await?;
    if cancelled {
        Ok(Json(job.into()))
    } else {
        Err(ApiError::Conflict(format!(
            "the job has finished: it is {}",
            job.status
        )))
    }
}

/// Queues a failed job again.
#[utoipa::path(
    post, path = "/api/jobs/{id}/retry", tag = "jobs",
    params(("id" = String, Path, description = "the job's id")),
    responses(
        (status = 200, body = JobBody),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such job, or somebody else's"),
        (status = 409, body = ErrorBody, description = "it has not failed"),
    )
)]
pub(crate) async fn retry(
    State(services): State<Services>,
    caller: AppsCaller,
    Path(id): Path<String>,
) -> Result<Json<JobBody>, ApiError> {
    let job = managed(&services, &caller, &id).await?;
    // Whoever may not queue a job any more may not repeat one either.
    let serving = services.serving.find(&job.app)?;
    if let Some(permission) = &serving.required_permission {
        caller.require(permission)?;
    }
    must_have_room(&services, &job.app).await?;
    let mut tx = services.store.pool().begin().await?;
    let retried = jobs::retry(&mut tx, job.id).await?;
    if retried {
        record(&services, &mut tx, &caller, &job, "job.retry").await?;
    }
    tx.commit().await?;
    let job = seen(&services, &caller, &id).await?;
    if retried {
        Ok(Json(job.into()))
    } else {
        Err(ApiError::Conflict(format!(
            "only a failed job can be tried again: this one is {}",
            job.status
        )))
    }
}

/// Deletes finished jobs of an app.
#[utoipa::path(
    post, path = "/api/jobs/purge", tag = "jobs", request_body = Purge,
    responses(
        (status = 200, body = Purged),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app"),
    )
)]
pub(crate) async fn purge(
    State(services): State<Services>,
    operator: AppsOperator,
    Json(purge): Json<Purge>,
) -> Result<Json<Purged>, ApiError> {
    if !apps::exists(services.store.pool(), &purge.app).await? {
        return Err(ApiError::NotFound(format!("app '{}' not found", purge.app)));
    }
    let entry = Entry::of_app(operator.actor(), "job.purge", &purge.app)
        .with("older_than_days", purge.older_than_days);
    let mut tx = services.store.pool().begin().await?;
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    let surplus = Surplus {
        seconds: i64::from(purge.older_than_days) * 86_400,
        keep: i64::MAX,
        spare_newest: false,
    };
    let mut deleted = 0;
    loop {
        let purged = jobs::purge(services.store.pool(), purge.app.as_str(), surplus, CHUNK);
        match purged.await? {
            0 => return Ok(Json(Purged { jobs: deleted })),
            some => deleted += some,
        }
    }
}

/// A job that the caller may see. Somebody else's is as if it were not there.
async fn seen(services: &Services, caller: &Identity, id: &str) -> Result<JobRow, ApiError> {
    let found = match id.parse::<JobId>() {
        Ok(id) => jobs::find(services.store.pool(), id).await?,
        Err(_) => None,
    };
    found
        .filter(|job| job.created_by == Some(caller.user) || caller.may(permission::READ))
        .ok_or_else(|| ApiError::NotFound("job not found: it may have been deleted".to_owned()))
}

/// A job that the caller may cancel and repeat.
async fn managed(services: &Services, caller: &Identity, id: &str) -> Result<JobRow, ApiError> {
    let job = seen(services, caller, id).await?;
    if job.created_by != Some(caller.user) {
        caller.require(permission::APPS)?;
    }
    Ok(job)
}

/// Tells what an operator did to a job of somebody else. What users do to their own jobs is use
/// of an app, which is not in the audit log.
async fn record(
    services: &Services,
    connection: &mut PgConnection,
    caller: &Identity,
    job: &JobRow,
    action: &'static str,
) -> sqlx::Result<()> {
    if job.created_by == Some(caller.user) {
        return Ok(());
    }
    let entry = Entry::of_app(caller.actor(), action, &job.app).with("job", job.id.to_string());
    audit::record(connection, services.clock.now(), entry).await
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
