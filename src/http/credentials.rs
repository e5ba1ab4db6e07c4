//! Credentials of apps: set and deleted by operators, never shown.

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use secrecy::ExposeSecret;
use secrecy::SecretSlice;
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::extract::CredentialsOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::app::manifest::Credential;
use crate::app::{Grants, Hook};
use crate::audit::Entry;
use crate::capability::credentials::policy::MAX_BYTES;
use crate::capability::credentials::vault::{self, RotateError, Unsuitable};
use crate::deploy::ManageError;
use crate::ids::AppName;
use crate::services::Services;
use crate::store::credentials::{CredentialRow, ReadRow};
use crate::store::{apps, audit, credentials};

/// Reads of a list, if not said otherwise, and at most.
const LISTED: u16 = 100;
const MOST: u16 = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route(
            "/api/apps/{app}/credentials/{name}",
            put(set).delete(delete),
        )
        // One byte more, so that ours is the error that says what the limit is.
        .layer(DefaultBodyLimit::max(MAX_BYTES + 1))
        .route("/api/apps/{app}/credentials", get(list))
        .route("/api/apps/{app}/credential-reads", get(reads))
        .route("/api/credentials/rotate-key", post(rotate_key))
}

/// A credential, without the secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialBody {
    name: String,
    /// What the manifest says that it is for.
    description: String,
    /// Whether the active release declares it. Else nobody can read it.
    declared: bool,
    /// Whether the active release was granted it. Else nobody can read it.
    granted: bool,
    set: bool,
    /// In bytes.
    size: Option<i32>,
    /// The key that it is sealed with.
    key_id: Option<String>,
    updated_by: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    updated_at: Option<OffsetDateTime>,
    /// When a call was given it last.
    #[serde(with = "time::serde::rfc3339::option")]
    last_read_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CredentialList {
    credentials: Vec<CredentialBody>,
}

/// Lists what the active release of an app declares, and what is set, without the secrets.
#[utoipa::path(
    get, path = "/api/apps/{app}/credentials", tag = "credentials",
    params(("app" = String, Path, description = "the app's name")),
    responses(
        (status = 200, body = CredentialList),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _: CredentialsOperator,
    Path(app): Path<String>,
) -> Result<Json<CredentialList>, ApiError> {
    let app = existing(&services, &app).await?;
    let (declared, granted) = readable(&services, &app).await?;
    let mut rows = credentials::list(services.store.pool(), &app).await?;

    let mut bodies: Vec<CredentialBody> = declared
        .into_iter()
        .map(|credential| {
            let row = rows.iter().position(|row| row.name == credential.name);
            let row = row.map(|index| rows.remove(index));
            let granted = granted.has_credential(&credential.name);
            body(credential, (true, granted), row)
        })
        .collect();
    bodies.extend(rows.into_iter().map(|row| {
        let credential = Credential {
            name: row.name.clone(),
            description: String::new(),
        };
        body(credential, (false, false), Some(row))
    }));
    Ok(Json(CredentialList {
        credentials: bodies,
    }))
}

fn body(
    credential: Credential,
    (declared, granted): (bool, bool),
    row: Option<CredentialRow>,
) -> CredentialBody {
    CredentialBody {
        name: credential.name,
        description: credential.description,
        declared,
        granted,
        set: row.is_some(),
        size: row.as_ref().map(|row| row.size),
        key_id: row.as_ref().map(|row| row.key_id.clone()),
        updated_by: row.as_ref().map(|row| row.updated_by.clone()),
        updated_at: row.as_ref().map(|row| row.updated_at),
        last_read_at: row.and_then(|row| row.last_read_at),
    }
}

/// What came of setting a credential.
#[derive(Serialize, ToSchema)]
pub(crate) struct SetAnswer {
    name: String,
    /// In bytes.
    size: usize,
    /// Whether the active release declares it. Else nobody can read it.
    declared: bool,
    /// Whether the active release was granted it. Else nobody can read it.
    granted: bool,
}

/// Sets a credential to the bytes of the body, in place of an older one. The next read of the
/// app sees it. It is never shown again.
#[utoipa::path(
    put, path = "/api/apps/{app}/credentials/{name}", tag = "credentials",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the credential's name, as the manifest has it"),
    ),
    responses(
        (status = 200, body = SetAnswer),
        (status = 400, body = ErrorBody, description = "a bad name, or an empty body"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody, description = "larger than 1 MiB"),
    )
)]
pub(crate) async fn set(
    State(services): State<Services>,
    operator: CredentialsOperator,
    Path((app, name)): Path<(String, String)>,
    secret: Result<Bytes, BytesRejection>,
) -> Result<Json<SetAnswer>, ApiError> {
    let app = existing(&services, &app).await?;
    let name = well_formed(name)?;
    let secret = secret.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Unsuitable::TooLarge.into(),
        _ => ApiError::Invalid("the body ended too early".to_owned()),
    })?;
    let secret = SecretSlice::from(Vec::from(secret));
    let secret = secret.expose_secret();
    vault::admit(secret)?;

    let mut tx = services.store.pool().begin().await?;
    let by = &operator.username;
    services.vault.set(&mut tx, &app, &name, secret, by).await?;
    let entry = Entry::new(operator.actor(), "credential.set", "credential", &name)
        .with("app", app.as_str())
        .with("size", secret.len());
    let payload = json!({ "fields": [name] });
    let told = services
        .deployer
        .queue_hook(&mut tx, &app, Hook::CredentialsSaved, &payload);
    told.await?;
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;

    let (declared, granted) = readable(&services, &app).await?;
    let declared = declared.iter().any(|credential| credential.name == name);
    Ok(Json(SetAnswer {
        declared,
        granted: declared && granted.has_credential(&name),
        name,
        size: secret.len(),
    }))
}

/// Takes a credential away. Calls that ask for it learn that it is not set.
#[utoipa::path(
    delete, path = "/api/apps/{app}/credentials/{name}", tag = "credentials",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("name" = String, Path, description = "the credential's name"),
    ),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app, or it is not set"),
    )
)]
pub(crate) async fn delete(
    State(services): State<Services>,
    operator: CredentialsOperator,
    Path((app, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let app = existing(&services, &app).await?;
    let mut tx = services.store.pool().begin().await?;
    if !credentials::delete(&mut *tx, &app, &name).await? {
        return Err(ApiError::NotFound(format!(
            "the app `{app}` has no credential `{name}`"
        )));
    }
    let entry = Entry::new(operator.actor(), "credential.delete", "credential", &name);
    let entry = entry.with("app", app.as_str());
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadsQuery {
    /// At most so many: 100, if not said; 1000 at most.
    limit: Option<u16>,
}

/// One read of one call.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReadBody {
    name: String,
    release: Uuid,
    /// The call's id, as in the log.
    call: Uuid,
    /// `given`, `undeclared`, `not_set` or `failed`.
    outcome: String,
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ReadList {
    /// Newest first.
    reads: Vec<ReadBody>,
}

/// Lists which calls of an app read which credential, refusals included.
#[utoipa::path(
    get, path = "/api/apps/{app}/credential-reads", tag = "credentials",
    params(("app" = String, Path, description = "the app's name"), ReadsQuery),
    responses(
        (status = 200, body = ReadList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no app can have this name"),
    )
)]
pub(crate) async fn reads(
    State(services): State<Services>,
    _: CredentialsOperator,
    Path(app): Path<String>,
    Query(query): Query<ReadsQuery>,
) -> Result<Json<ReadList>, ApiError> {
    // Also of an app that is gone: what it read is still told.
    let app: AppName = app.parse()?;
    services.vault.flush().await;
    let limit = query.limit.unwrap_or(LISTED).min(MOST);
    let rows = credentials::reads(services.store.pool(), &app, limit.into()).await?;
    Ok(Json(ReadList {
        reads: rows.into_iter().map(ReadBody::from).collect(),
    }))
}

/// How many credentials a key seals.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyBody {
    key_id: String,
    credentials: i64,
}

/// What came of sealing anew.
#[derive(Serialize, ToSchema)]
pub(crate) struct RotationBody {
    /// The key that seals now.
    key_id: String,
    resealed: u64,
    /// Credentials that do not open, as `app/name`: set them again.
    broken: Vec<String>,
    /// A key that is not among these may be forgotten.
    in_use: Vec<KeyBody>,
}

/// Reads the sealing keys again, and seals every credential with the first of them. Calls go
/// on reading meanwhile. It concerns all apps.
#[utoipa::path(
    post, path = "/api/credentials/rotate-key", tag = "credentials",
    responses(
        (status = 200, body = RotationBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "a key that is in use is missing"),
    )
)]
pub(crate) async fn rotate_key(
    State(services): State<Services>,
    operator: CredentialsOperator,
) -> Result<Json<RotationBody>, ApiError> {
    let rotation = services.vault.rotate().await?;
    let entry = Entry::new(
        operator.actor(),
        "credentials.rotate-key",
        "key",
        &rotation.key_id,
    )
    .with("resealed", rotation.resealed)
    .with("broken", rotation.broken.clone());
    audit::record_alone(services.store.pool(), services.clock.now(), entry).await?;

    let key = |(key_id, credentials)| KeyBody {
        key_id,
        credentials,
    };
    Ok(Json(RotationBody {
        key_id: rotation.key_id,
        resealed: rotation.resealed,
        broken: rotation.broken,
        in_use: rotation.in_use.into_iter().map(key).collect(),
    }))
}

/// An app that there is, whether or not it has gone live.
async fn existing(services: &Services, app: &str) -> Result<AppName, ApiError> {
    let app: AppName = app.parse()?;
    if apps::exists(services.store.pool(), &app).await? {
        Ok(app)
    } else {
        Err(ManageError::NotFound(app).into())
    }
}

/// What the active release declares, and what it was granted.
async fn readable(
    services: &Services,
    app: &AppName,
) -> Result<(Vec<Credential>, Grants), ApiError> {
    let row = apps::find(services.store.pool(), app).await?;
    Ok(row
        .map(|row| (row.manifest.0.needs.credentials, row.granted.0))
        .unwrap_or_default())
}

fn well_formed(name: String) -> Result<String, ApiError> {
    if Credential::is_name(&name) {
        return Ok(name);
    }
    Err(ApiError::Invalid(
        "the name of a credential has at most 64 of [a-zA-Z0-9_-], and begins with a letter or \
         digit"
            .to_owned(),
    ))
}

impl From<ReadRow> for ReadBody {
    fn from(row: ReadRow) -> Self {
        Self {
            name: row.name,
            release: row.release.0,
            call: row.call.0,
            outcome: row.outcome,
            at: row.at,
        }
    }
}

impl From<Unsuitable> for ApiError {
    fn from(error: Unsuitable) -> Self {
        let text = error.to_string();
        match error {
            Unsuitable::Empty => Self::Invalid(text),
            Unsuitable::TooLarge => Self::TooLarge(text),
        }
    }
}

impl From<RotateError> for ApiError {
    fn from(error: RotateError) -> Self {
        match error {
            RotateError::Keys(_) | RotateError::Missing(_) => Self::Conflict(error.to_string()),
            RotateError::Database(cause) => cause.into(),
            RotateError::Internal(cause) => cause.into(),
        }
    }
}
