//! Settings of apps, as operators see and change them.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::auth::extract::AppsOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::app::setting::Unfit;
use crate::app::{Hook, Setting};
use crate::audit::Entry;
use crate::deploy::ManageError;
use crate::ids::AppName;
use crate::services::Services;
use crate::store::settings::{self, NewValue, SettingRow};
use crate::store::{apps, audit};

/// The longest value that the audit log repeats, as JSON text in bytes.
const TOLD: usize = 1_024;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/apps/{app}/settings", get(list))
        .route(
            "/api/apps/{app}/settings/{key}",
            get(find).put(set).delete(unset),
        )
}

/// A setting, with what the active release declares of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SettingBody {
    key: String,
    label: String,
    description: String,
    /// `text`, `number`, `toggle`, `select`, `cron`, `url`, `port` or `file`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// What the type allows: `min`, `max`, `options`, `schemes`, `accept`.
    bounds: Value,
    required: bool,
    default: Option<Value>,
    /// What the app reads; null where there is neither a value nor a default.
    value: Option<Value>,
    /// Whether a value is set, be it one that does not fit.
    set: bool,
    /// Why the value that is set does not fit, so that the default counts.
    unfit: Option<String>,
    /// Null where the app itself set it.
    updated_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SettingList {
    /// In the order of the manifest.
    settings: Vec<SettingBody>,
}

/// Lists the settings that the active release of an app declares.
#[utoipa::path(
    get, path = "/api/apps/{app}/settings", tag = "settings",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = SettingList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _: AppsOperator,
    Path(app): Path<String>,
) -> Result<Json<SettingList>, ApiError> {
    let (app, declared) = declared(&services, &app).await?;
    let rows = settings::list(services.store.pool(), &app).await?;
    let settings = declared
        .into_iter()
        .map(|setting| {
            let row = rows.iter().find(|row| row.key == setting.key);
            body(setting, row)
        })
        .collect();
    Ok(Json(SettingList { settings }))
}

/// Shows one setting.
#[utoipa::path(
    get, path = "/api/apps/{app}/settings/{key}", tag = "settings",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("key" = String, Path, description = "the setting's key"),
    ),
    responses(
        (status = 200, body = SettingBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn find(
    State(services): State<Services>,
    _: AppsOperator,
    Path((app, key)): Path<(String, String)>,
) -> Result<Json<SettingBody>, ApiError> {
    let (app, setting) = one(&services, &app, &key).await?;
    shown(&services, &app, setting).await
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValueBody {
    value: Value,
}

/// Sets a value. The next read of the app sees it.
#[utoipa::path(
    put, path = "/api/apps/{app}/settings/{key}", tag = "settings", request_body = ValueBody,
    params(
        ("app" = String, Path, description = "the app's name"),
        ("key" = String, Path, description = "the setting's key"),
    ),
    responses(
        (status = 200, body = SettingBody),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody, description = "the value does not fit; the text says why"),
    )
)]
pub(crate) async fn set(
    State(services): State<Services>,
    operator: AppsOperator,
    Path((app, key)): Path<(String, String)>,
    Json(body): Json<ValueBody>,
) -> Result<Json<SettingBody>, ApiError> {
    let (app, setting) = one(&services, &app, &key).await?;
    setting.admit(&body.value)?;

    let now = services.clock.now();
    let mut tx = services.store.pool().begin().await?;
    let before = settings::find(&mut *tx, &app, &key).await?;
    let new = NewValue {
        app: &app,
        key: &key,
        value: &body.value,
        by: Some(&operator.username),
        now,
    };
    settings::put(&mut *tx, &new).await?;
    let entry = Entry::new(operator.actor(), "setting.set", "setting", &key)
        .with("app", app.as_str())
        .with("value", told(body.value))
        .with("value_before", before.map(told));
    tell(&services, &mut tx, &app, &key).await?;
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;

    shown(&services, &app, setting).await
}

/// Takes a value away, so that the default counts again.
#[utoipa::path(
    delete, path = "/api/apps/{app}/settings/{key}", tag = "settings",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("key" = String, Path, description = "the setting's key"),
    ),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app or setting, or it is not set"),
    )
)]
pub(crate) async fn unset(
    State(services): State<Services>,
    operator: AppsOperator,
    Path((app, key)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let (app, _) = declared(&services, &app).await?;
    let mut tx = services.store.pool().begin().await?;
    // Also of a key that no release declares any more.
    let before = settings::find(&mut *tx, &app, &key).await?;
    if !settings::delete(&mut *tx, &app, &key).await? {
        return Err(ApiError::NotFound(format!(
            "the setting `{key}` of the app `{app}` is not set"
        )));
    }
    let entry = Entry::new(operator.actor(), "setting.unset", "setting", &key)
        .with("app", app.as_str())
        .with("value_before", before.map(told));
    tell(&services, &mut tx, &app, &key).await?;
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tells an app that an operator has changed a setting. What it changes itself it knows.
async fn tell(
    services: &Services,
    connection: &mut PgConnection,
    app: &AppName,
    key: &str,
) -> sqlx::Result<()> {
    let payload = json!({ "keys": [key] });
    let hook = Hook::SettingsSaved;
    services
        .deployer
        .queue_hook(connection, app, hook, &payload)
        .await
}

/// A value as the audit log repeats it: whole, if it is short.
fn told(value: Value) -> Value {
    match value.to_string().len() {
        length if length > TOLD => format!("({length} bytes)").into(),
        _ => value,
    }
}

async fn shown(
    services: &Services,
    app: &AppName,
    setting: Setting,
) -> Result<Json<SettingBody>, ApiError> {
    let rows = settings::list(services.store.pool(), app).await?;
    let row = rows.iter().find(|row| row.key == setting.key);
    Ok(Json(body(setting, row)))
}

fn body(setting: Setting, row: Option<&SettingRow>) -> SettingBody {
    let set = row.map(|row| &row.value.0);
    let mut bounds = serde_json::to_value(&setting.kind).unwrap_or_default();
    if let Some(bounds) = bounds.as_object_mut() {
        bounds.remove("type");
    }
    SettingBody {
        value: setting.effective(set).cloned(),
        unfit: set
            .and_then(|value| setting.admit(value).err())
            .map(|unfit| unfit.to_string()),
        kind: setting.kind.name(),
        bounds,
        set: row.is_some(),
        updated_by: row.and_then(|row| row.updated_by.clone()),
        updated_at: row.map(|row| row.updated_at),
        key: setting.key,
        label: setting.label,
        description: setting.description,
        required: setting.required,
        default: setting.default,
    }
}

/// What the active release of an app declares.
async fn declared(services: &Services, app: &str) -> Result<(AppName, Vec<Setting>), ApiError> {
    let app: AppName = app.parse()?;
    match apps::find(services.store.pool(), &app).await? {
        Some(row) => Ok((app, row.manifest.0.settings)),
        None => Err(ManageError::NotFound(app).into()),
    }
}

async fn one(services: &Services, app: &str, key: &str) -> Result<(AppName, Setting), ApiError> {
    let (app, declared) = declared(services, app).await?;
    let setting = declared.into_iter().find(|setting| setting.key == key);
    let setting = setting.ok_or_else(|| {
        ApiError::NotFound(format!(
            "the app `{app}` declares no setting `{key}`: see `skep settings {app}`"
        ))
    })?;
    Ok((app, setting))
}

impl From<Unfit> for ApiError {
    fn from(error: Unfit) -> Self {
        Self::Unprocessable(error.to_string())
    }
}
