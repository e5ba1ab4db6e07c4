//! Showing and managing apps.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::{AppsOperator, Authenticated};
use super::consent::{ReleaseBody, require_insight};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::deploy::{Farewell, ManageError};
use crate::ids::{AppName, InvalidAppName};
use crate::services::Services;
use crate::store::apps::ShownRow;
use crate::store::{apps, releases};

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/admin/api/apps", get(list))
        .route("/admin/api/apps/{app}", get(find).delete(delete))
        .route("/admin/api/apps/{app}/rollback", post(roll_back))
        .route("/admin/api/apps/{app}/enable", post(enable))
        .route("/admin/api/apps/{app}/disable", post(disable))
}

/// An app as lists show it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppBody {
    #[schema(value_type = String)]
    name: AppName,
    display_name: String,
    description: String,
    enabled: bool,
    /// The number of the active release; null before one has gone live.
    release: Option<i32>,
    /// The number of the release that waits for consent.
    waiting: Option<i32>,
    /// Of the active release; before there is one, of the newest.
    version: String,
    /// SHA-256 of that release's files.
    digest: String,
    /// SHA-256 of the files that a browser gets at `/apps/{app}/`; null where there are none.
    frontend: Option<String>,
    required_permission: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AppList {
    apps: Vec<AppBody>,
}

/// An app with its releases and tables.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppDetails {
    #[serde(flatten)]
    app: AppBody,
    /// Newest first.
    releases: Vec<ReleaseBody>,
    tables: Vec<TableBody>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TableBody {
    schema: String,
    name: String,
    /// As the database estimates; null if it has not counted yet.
    rows: Option<i64>,
    /// With indexes.
    bytes: i64,
}

impl From<ShownRow> for AppBody {
    fn from(row: ShownRow) -> Self {
        let manifest = row.manifest.0;
        Self {
            name: row.name,
            display_name: manifest.display_name,
            description: manifest.description,
            enabled: row.enabled,
            release: row.active,
            waiting: row.waiting,
            version: row.version,
            digest: row.digest,
            frontend: row.frontend,
            required_permission: manifest.required_permission,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Lists the apps. Every user may see which there are.
#[utoipa::path(
    get, path = "/admin/api/apps", tag = "apps",
    responses((status = 200, body = AppList), (status = 401, body = ErrorBody))
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _: Authenticated,
) -> Result<Json<AppList>, ApiError> {
    let rows = apps::list_shown(services.store.pool()).await?;
    let apps = rows.into_iter().map(AppBody::from).collect();
    Ok(Json(AppList { apps }))
}

/// Shows an app with its releases and tables.
#[utoipa::path(
    get, path = "/admin/api/apps/{app}", tag = "apps",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = AppDetails),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    caller: Authenticated,
    Path(app): Path<String>,
) -> Result<Json<AppDetails>, ApiError> {
    require_insight(&caller)?;
    let app: AppName = app.parse()?;
    let row = apps::find_shown(services.store.pool(), &app)
        .await?
        .ok_or_else(|| ManageError::NotFound(app.clone()))?;
    let releases = releases::list(services.store.pool(), &app).await?;
    let tables = services.deployer.tables(&app).await?;

    let active = row.active;
    let body = |release| ReleaseBody::new(release, active);
    Ok(Json(AppDetails {
        app: row.into(),
        releases: releases.into_iter().map(body).collect(),
        tables: tables
            .into_iter()
            .map(|table| TableBody {
                schema: table.schema,
                name: table.name,
                rows: table.rows,
                bytes: table.bytes,
            })
            .collect(),
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RollbackBody {
    /// The number of the release to serve again.
    release: i32,
}

/// Makes an earlier release active again. Tables stay as they are.
#[utoipa::path(
    post, path = "/admin/api/apps/{app}/rollback", tag = "apps", request_body = RollbackBody,
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app, or no such release of it"),
        (status = 409, body = ErrorBody, description = "it cannot serve, or has grants that were withdrawn"),
    )
)]
pub(crate) async fn roll_back(
    State(services): State<Services>,
    operator: AppsOperator,
    Path(app): Path<String>,
    Json(body): Json<RollbackBody>,
) -> Result<StatusCode, ApiError> {
    services
        .deployer
        .roll_back(&app.parse()?, body.release, operator.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lets a disabled app be called again.
#[utoipa::path(
    post, path = "/admin/api/apps/{app}/enable", tag = "apps",
    params(("app" = String, Path, description = "the app's name")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody))
)]
pub(crate) async fn enable(
    State(services): State<Services>,
    operator: AppsOperator,
    Path(app): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = operator.actor();
    services
        .deployer
        .set_enabled(&app.parse()?, true, actor)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses an app's calls from now on; those that run come to their end.
#[utoipa::path(
    post, path = "/admin/api/apps/{app}/disable", tag = "apps",
    params(("app" = String, Path, description = "the app's name")),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody))
)]
pub(crate) async fn disable(
    State(services): State<Services>,
    operator: AppsOperator,
    Path(app): Path<String>,
) -> Result<StatusCode, ApiError> {
    let actor = operator.actor();
    services
        .deployer
        .set_enabled(&app.parse()?, false, actor)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What becomes of the tables of an app that is deleted.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Tables {
    Keep,
    Drop,
}

/// An app that is gone, and what it had to say to that.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deleted {
    on_uninstall: Farewell,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteQuery {
    tables: Option<Tables>,
}

/// Deletes an app with its releases. What becomes of its tables must be said.
///
/// An app with a hook `on_uninstall` is told before, while all of it is there, and has 30 s. The
/// answer then says what the hook came to; the app is deleted whatever that is.
#[utoipa::path(
    delete, path = "/admin/api/apps/{app}", tag = "apps",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("tables" = String, Query, description = "`keep` for a later app of that name, or `drop`"),
    ),
    responses(
        (status = 200, body = Deleted, description = "deleted, after its hook was called"),
        (status = 204, description = "deleted; it has no such hook"),
        (status = 400, body = ErrorBody, description = "`tables` is missing"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    operator: AppsOperator,
    Path(app): Path<String>,
    query: Result<Query<DeleteQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let app: AppName = app.parse()?;
    let say = || {
        ApiError::Invalid(format!(
            "say what becomes of the tables of `{app}`: `?tables=keep` keeps them for a later \
             app of that name, `?tables=drop` drops them with all their rows"
        ))
    };
    let Query(DeleteQuery {
        tables: Some(tables),
    }) = query.map_err(|_| say())?
    else {
        return Err(say());
    };
    let keep = matches!(tables, Tables::Keep);
    let farewell = services
        .deployer
        .delete(&app, keep, operator.actor())
        .await?;
    tracing::info!(%app, keep_tables = keep, by = operator.username, "deleted");
    Ok(match farewell {
        Some(on_uninstall) => Json(Deleted { on_uninstall }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

impl From<InvalidAppName> for ApiError {
    fn from(error: InvalidAppName) -> Self {
        Self::Invalid(error.to_string())
    }
}
