//! Deploying and managing apps.

use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{DefaultBodyLimit, Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::{AppsOperator, Authenticated};
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::app::bundle::Limits;
use crate::auth::permission;
use crate::build::BuildError;
use crate::deploy::{DeployError, ManageError, Report};
use crate::ids::{AppName, InvalidAppName};
use crate::postgres::RolesError;
use crate::services::Services;
use crate::store::apps::AppRow;
use crate::store::releases::ReleaseRow;
use crate::store::{apps, releases};

pub(crate) fn router() -> Router<Services> {
    // The form around the zip takes a little more than the zip.
    let upload = usize::try_from(Limits::CONTRACT.upload).unwrap_or(usize::MAX) + 64 * 1024;
    Router::new()
        .route("/admin/api/apps/deploy", post(deploy))
        // The path of an older NodeRouter guide.
        .route("/admin/api/nodes/deploy", post(deploy))
        .layer(DefaultBodyLimit::max(upload))
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
    /// The number of the active release.
    release: i32,
    version: String,
    /// SHA-256 of the active release's files.
    digest: String,
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
pub(crate) struct ReleaseBody {
    number: i32,
    version: String,
    digest: String,
    active: bool,
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When it last went live.
    #[serde(with = "time::serde::rfc3339::option")]
    activated_at: Option<OffsetDateTime>,
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

impl From<AppRow> for AppBody {
    fn from(row: AppRow) -> Self {
        let manifest = row.manifest.0;
        Self {
            name: row.name,
            display_name: manifest.display_name,
            description: manifest.description,
            enabled: row.enabled,
            release: row.number,
            version: row.version,
            digest: row.digest,
            required_permission: manifest.required_permission,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The form of a deploy.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; axum reads it part by part")]
pub(crate) struct DeployForm {
    /// The app's zip.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Deploys a zip. It answers when the release serves, or when nothing was changed.
#[utoipa::path(
    post, path = "/admin/api/apps/deploy", tag = "apps",
    request_body(content = DeployForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = Report),
        (status = 400, body = ErrorBody, description = "not a form with a zip in its field `file`"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the app is being changed by somebody else"),
        (status = 413, body = ErrorBody, description = "the zip is too large"),
        (status = 422, body = ErrorBody, description = "the app cannot be deployed; the text says what to mend"),
    )
)]
pub(crate) async fn deploy(
    State(services): State<Services>,
    operator: AppsOperator,
    form: Result<Multipart, axum::extract::multipart::MultipartRejection>,
) -> Result<Json<Report>, ApiError> {
    let form = form.map_err(|_| no_file())?;
    let _turn = services.deployer.turn().await;
    let zip = file(form).await?;
    let report = services.deployer.deploy(zip, operator.actor()).await?;
    Ok(Json(report))
}

async fn file(mut form: Multipart) -> Result<Bytes, ApiError> {
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        if field.name() == Some("file") {
            return field.bytes().await.map_err(broken_form);
        }
    }
    Err(no_file())
}

fn no_file() -> ApiError {
    ApiError::Invalid(
        "send the zip as a form: `curl -F file=@app.zip`, or `skep deploy app.zip`".to_owned(),
    )
}

fn broken_form(error: MultipartError) -> ApiError {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = Limits::CONTRACT.upload / (1024 * 1024);
        ApiError::TooLarge(format!("the zip is larger than {limit} MiB"))
    } else {
        ApiError::Invalid(format!("the form is broken: {}", error.body_text()))
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
    let rows = apps::list(services.store.pool()).await?;
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
    if !caller.may(permission::APPS) {
        caller.require(permission::READ)?;
    }
    let app: AppName = app.parse()?;
    let row = apps::find(services.store.pool(), &app)
        .await?
        .ok_or_else(|| ManageError::NotFound(app.clone()))?;
    let releases = releases::list(services.store.pool(), &app).await?;
    let tables = services.deployer.tables(&app).await?;

    let active = row.release;
    let body = |release: ReleaseRow| ReleaseBody {
        number: release.number,
        version: release.version,
        digest: release.digest,
        active: release.id == active,
        created_by: release.created_by,
        created_at: release.created_at,
        activated_at: release.activated_at,
    };
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
        (status = 409, body = ErrorBody),
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteQuery {
    tables: Option<Tables>,
}

/// Deletes an app with its releases. What becomes of its tables must be said.
#[utoipa::path(
    delete, path = "/admin/api/apps/{app}", tag = "apps",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("tables" = String, Query, description = "`keep` for a later app of that name, or `drop`"),
    ),
    responses(
        (status = 204),
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
) -> Result<StatusCode, ApiError> {
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
    services
        .deployer
        .delete(&app, keep, operator.actor())
        .await?;
    tracing::info!(%app, keep_tables = keep, by = operator.username, "deleted");
    Ok(StatusCode::NO_CONTENT)
}

impl From<InvalidAppName> for ApiError {
    fn from(error: InvalidAppName) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl From<DeployError> for ApiError {
    fn from(error: DeployError) -> Self {
        let text = error.to_string();
        match error {
            DeployError::Bundle(cause) if cause.is_too_large() => Self::TooLarge(text),
            DeployError::Bundle(_)
            | DeployError::Description(_)
            | DeployError::Build(
                BuildError::App(_) | BuildError::TooSlow | BuildError::Missing(_),
            )
            | DeployError::Compile(_)
            | DeployError::World(_)
            | DeployError::Tables { .. }
            | DeployError::Load(_)
            | DeployError::Object { .. }
            | DeployError::Roles(RolesError::Reserved(_) | RolesError::SchemaTaken { .. }) => {
                Self::Unprocessable(text)
            }
            DeployError::Busy(_) | DeployError::Roles(RolesError::StillUsed { .. }) => {
                Self::Conflict(text)
            }
            DeployError::Build(BuildError::Io(cause)) => Self::Internal(cause.into()),
            DeployError::Roles(
                cause @ (RolesError::MayNotCreateRoles(_)
                | RolesError::NotOwner { .. }
                | RolesError::Database(_)),
            ) => Self::Internal(cause.into()),
            DeployError::Internal(cause) => Self::Internal(cause),
        }
    }
}

impl From<ManageError> for ApiError {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::NotFound(_) | ManageError::NoRelease(..) => {
                Self::NotFound(error.to_string())
            }
            ManageError::Deploy(error) => error.into(),
        }
    }
}
