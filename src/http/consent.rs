//! Consent: what waits for it, what was given, and taking it back.

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::{Authenticated, Consenter};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::auth::{Identity, permission};
use crate::deploy::{GrantStatus, Plan};
use crate::services::Services;
use crate::store::apps;
use crate::store::releases::{self, ReleaseRow};

/// The longest reason of a refusal, in bytes.
const REASON_BYTES: usize = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/admin/api/apps/{app}/releases", get(list))
        .route("/admin/api/apps/{app}/releases/{number}/plan", get(plan))
        .route(
            "/admin/api/apps/{app}/releases/{number}/accept",
            post(accept),
        )
        .route(
            "/admin/api/apps/{app}/releases/{number}/refuse",
            post(refuse),
        )
        .route("/admin/api/apps/{app}/grants", get(grants).delete(withdraw))
}

/// A release as lists show it.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseBody {
    number: i32,
    version: String,
    digest: String,
    /// `ready` can serve, `waiting` waits for consent, `refused` never goes live.
    state: releases::State,
    /// Whether it is the one that serves.
    active: bool,
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last went live.
    #[serde(with = "time::serde::rfc3339::option")]
    activated_at: Option<OffsetDateTime>,
    /// Who consented to it, or refused it.
    decided_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    decided_at: Option<OffsetDateTime>,
    /// Why it was refused.
    reason: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseList {
    /// Newest first.
    releases: Vec<ReleaseBody>,
}

impl ReleaseBody {
    /// `active` is the number of the release that serves.
    pub(super) fn new(row: ReleaseRow, active: Option<i32>) -> Self {
        Self {
            active: active == Some(row.number),
            number: row.number,
            version: row.version,
            digest: row.digest,
            state: row.state,
            created_by: row.created_by,
            created_at: row.created_at,
            activated_at: row.activated_at,
            decided_by: row.decided_by,
            decided_at: row.decided_at,
            reason: row.reason,
        }
    }
}

/// Requires somebody who decides about apps, or may see everything.
pub(super) fn require_insight(caller: &Identity) -> Result<(), ApiError> {
    if !caller.may(permission::APPS) && !caller.may(permission::CONSENT) {
        caller.require(permission::READ)?;
    }
    Ok(())
}

/// Lists an app's releases: those that can serve, that wait, and that were refused.
#[utoipa::path(
    get, path = "/admin/api/apps/{app}/releases", tag = "consent",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = ReleaseList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: Authenticated,
    Path(app): Path<String>,
) -> Result<Json<ReleaseList>, ApiError> {
    require_insight(&caller)?;
    let app = app.parse()?;
    let shown = apps::find_shown(services.store.pool(), &app)
        .await?
        .ok_or_else(|| crate::deploy::ManageError::NotFound(app.clone()))?;
    let rows = releases::list(services.store.pool(), &app).await?;
    let body = |row| ReleaseBody::new(row, shown.active);
    Ok(Json(ReleaseList {
        releases: rows.into_iter().map(body).collect(),
    }))
}

/// Shows what a release changed, or would change.
#[utoipa::path(
    get, path = "/admin/api/apps/{app}/releases/{number}/plan", tag = "consent",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("number" = i32, Path, description = "the release's number"),
    ),
    responses(
        (status = 200, body = Plan),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn plan(
    State(services): State<Services>,
    caller: Authenticated,
    Path((app, number)): Path<(String, i32)>,
) -> Result<Json<serde_json::Value>, ApiError> {
    require_insight(&caller)?;
    Ok(Json(
        services.deployer.plan_of(&app.parse()?, number).await?,
    ))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptBody {
    /// The digest of the plan that was looked at.
    digest: String,
}

/// Consents to a waiting release as its plan shows it. It answers when the release serves.
#[utoipa::path(
    post, path = "/admin/api/apps/{app}/releases/{number}/accept", tag = "consent",
    request_body = AcceptBody,
    params(
        ("app" = String, Path, description = "the app's name"),
        ("number" = i32, Path, description = "the release's number"),
    ),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "it does not wait, or the plan is another \
            by now and comes with the error"),
        (status = 422, body = ErrorBody, description = "the deploy failed; it goes on waiting"),
    )
)]
pub(crate) async fn accept(
    State(services): State<Services>,
    consenter: Consenter,
    Path((app, number)): Path<(String, i32)>,
    Json(body): Json<AcceptBody>,
) -> Result<StatusCode, ApiError> {
    let _turn = services.deployer.turn().await;
    let app = app.parse()?;
    services
        .deployer
        .accept(&app, number, &body.digest, consenter.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RefuseBody {
    /// Why, for the deployer. At most 1000 bytes.
    reason: String,
}

/// Refuses a waiting release. What serves goes on serving.
#[utoipa::path(
    post, path = "/admin/api/apps/{app}/releases/{number}/refuse", tag = "consent",
    request_body = RefuseBody,
    params(
        ("app" = String, Path, description = "the app's name"),
        ("number" = i32, Path, description = "the release's number"),
    ),
    responses(
        (status = 204),
        (status = 400, body = ErrorBody, description = "no reason, or too long a one"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "it does not wait"),
    )
)]
pub(crate) async fn refuse(
    State(services): State<Services>,
    consenter: Consenter,
    Path((app, number)): Path<(String, i32)>,
    Json(body): Json<RefuseBody>,
) -> Result<StatusCode, ApiError> {
    let reason = body.reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES {
        return Err(ApiError::Invalid(format!(
            "say why in `reason`, in at most {REASON_BYTES} bytes: the deployer reads it"
        )));
    }
    let app = app.parse()?;
    services
        .deployer
        .refuse(&app, number, reason, consenter.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Serialize, ToSchema)]
pub(crate) struct GrantList {
    grants: Vec<GrantStatus>,
}

/// Lists what an app was granted, how much of it it uses, and what could be withdrawn.
#[utoipa::path(
    get, path = "/admin/api/apps/{app}/grants", tag = "consent",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = GrantList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn grants(
    State(services): State<Services>,
    caller: Authenticated,
    Path(app): Path<String>,
) -> Result<Json<GrantList>, ApiError> {
    require_insight(&caller)?;
    let grants = services.deployer.grants(&app.parse()?).await?;
    Ok(Json(GrantList { grants }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawQuery {
    key: String,
}

/// Takes one grant back, at once and on all nodes.
#[utoipa::path(
    delete, path = "/admin/api/apps/{app}/grants", tag = "consent",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("key" = String, Query, description = "what to withdraw, such as `table:public.items`"),
    ),
    responses(
        (status = 204),
        (status = 400, body = ErrorBody, description = "`key` is missing"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app, or no such grant of it"),
    )
)]
pub(crate) async fn withdraw(
    State(services): State<Services>,
    consenter: Consenter,
    Path(app): Path<String>,
    query: Result<Query<WithdrawQuery>, QueryRejection>,
) -> Result<StatusCode, ApiError> {
    let Query(WithdrawQuery { key }) = query.map_err(|_| {
        ApiError::Invalid(format!(
            "say what to withdraw, such as `?key=table:public.items`: see `skep grants {app}`"
        ))
    })?;
    let app = app.parse()?;
    services
        .deployer
        .withdraw(&app, &key, consenter.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests;
