//! Deploying: a zip goes live, waits for consent, or is only looked at.

mod stages;

use axum::Router;
use axum::body::Bytes;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Multipart, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde::Deserialize;
use utoipa::ToSchema;

use super::auth::extract::AppsOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use crate::app::bundle::Limits;
use crate::auth::permission;
use crate::build::BuildError;
use crate::deploy::{DeployError, ManageError, Order, Plan, Report};
use crate::postgres::RolesError;
use crate::services::Services;
use crate::store::releases;

/// The longest text of a field that is not the zip.
const FIELD_BYTES: usize = 1024;

pub(crate) fn router() -> Router<Services> {
    // The form around the zip takes a little more than the zip.
    let upload = usize::try_from(Limits::CONTRACT.upload).unwrap_or(usize::MAX) + 64 * 1024;
    Router::new()
        .route("/admin/api/apps/deploy", post(deploy))
        // The path of an older NodeRouter guide.
        .route("/admin/api/nodes/deploy", post(deploy))
        .layer(DefaultBodyLimit::max(upload))
}

/// The form of a deploy.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; axum reads it part by part")]
pub(crate) struct DeployForm {
    /// The app's zip.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The digest of the plan that is consented to.
    accept: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployQuery {
    #[serde(default)]
    plan: bool,
}

/// Deploys a zip. It answers when the release serves, when it waits for consent, or when
/// nothing was changed.
///
/// With `Accept: application/x-ndjson` the answer comes line by line: `{"stage", "ms"}` when a stage
/// is over, and at last `{"status", "body"}` with what the answer would have been.
#[utoipa::path(
    post, path = "/admin/api/apps/deploy", tag = "apps",
    params(("plan" = Option<bool>, Query, description = "only answer with the plan, and change nothing")),
    request_body(content = DeployForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = Report, description = "it serves; with `plan=true` a plan instead"),
        (status = 202, body = Report, description = "it waits until somebody consents to its plan"),
        (status = 400, body = ErrorBody, description = "not a form with a zip in its field `file`"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "the app is being changed by somebody else, \
            the plan is not the accepted one and comes with the error, or a table is another app's"),
        (status = 413, body = ErrorBody, description = "the zip is too large"),
        (status = 422, body = ErrorBody, description = "the app cannot be deployed; the text says what to mend"),
    )
)]
pub(crate) async fn deploy(
    State(services): State<Services>,
    operator: AppsOperator,
    query: Result<Query<DeployQuery>, QueryRejection>,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, ApiError> {
    let Query(DeployQuery { plan }) = query.map_err(|_| {
        ApiError::Invalid("the address takes `?plan=true` and nothing else".to_owned())
    })?;
    let form = form.map_err(|_| no_file())?;
    let turn = services.deployer.turn().await;
    let (zip, accept) = fields(form).await?;
    if accept.is_some() && !plan {
        operator.require(permission::CONSENT)?;
    }
    let order = Order {
        actor: operator.actor(),
        may_consent: operator.may(permission::CONSENT),
        accept,
    };
    let work = move |listener| async move {
        let _turn = turn;
        let deployer = &services.deployer;
        if plan {
            let plan: Plan = deployer.foresee(zip, listener).await?;
            return Ok(Json(plan).into_response());
        }
        let report = deployer.deploy(zip, order, listener).await?;
        Ok(reported(report))
    };
    if stages::are_wanted(&headers) {
        Ok(stages::answer(work))
    } else {
        work(None).await
    }
}

fn reported(report: Report) -> Response {
    let status = match report.state {
        releases::State::Waiting => StatusCode::ACCEPTED,
        releases::State::Loading
        | releases::State::Committing
        | releases::State::Ready
        | releases::State::Refused => StatusCode::OK,
    };
    (status, Json(report)).into_response()
}

/// The zip, and the digest that comes with it.
async fn fields(mut form: Multipart) -> Result<(Bytes, Option<String>), ApiError> {
    let (mut zip, mut accept) = (None, None);
    while let Some(field) = form.next_field().await.map_err(broken_form)? {
        match field.name() {
            Some("file") => zip = Some(field.bytes().await.map_err(broken_form)?),
            Some("accept") => {
                let text = field.text().await.map_err(broken_form)?;
                if text.len() > FIELD_BYTES {
                    return Err(ApiError::Invalid(
                        "`accept` is the digest of a plan: see `skep deploy --plan`".to_owned(),
                    ));
                }
                accept = Some(text);
            }
            _ => {}
        }
    }
    Ok((zip.ok_or_else(no_file)?, accept))
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
            | DeployError::NoExport { .. }
            | DeployError::World(_)
            | DeployError::Tables { .. }
            | DeployError::Actions(_)
            | DeployError::Load(_)
            | DeployError::Object { .. }
            | DeployError::NoApps { .. }
            | DeployError::Roles(RolesError::Reserved(_) | RolesError::SchemaTaken { .. }) => {
                Self::Unprocessable(text)
            }
            DeployError::OtherPlan(plan) => Self::OtherPlan(text, plan),
            DeployError::Busy(_)
            | DeployError::NameTaken { .. }
            | DeployError::Roles(RolesError::StillUsed { .. }) => Self::Conflict(text),
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
            ManageError::NotFound(_)
            | ManageError::NoRelease(..)
            | ManageError::NoPlan(..)
            | ManageError::NoGrant(..) => Self::NotFound(error.to_string()),
            ManageError::NotReady(..)
            | ManageError::NotWaiting(..)
            | ManageError::Withdrawn(..) => Self::Conflict(error.to_string()),
            ManageError::Deploy(error) => error.into(),
        }
    }
}
