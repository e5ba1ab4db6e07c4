//! Webhooks: where operators have notifications sent, and what became of them.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::extract::AppsOperator;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::audit::Entry;
use crate::ids::AppName;
use crate::notify::webhooks::{policy, secret_name, sign};
use crate::services::Services;
use crate::store::notifications::subscriptions;
use crate::store::webhooks::{self, WebhookRow, deliveries};
use crate::store::{apps, audit, credentials};

/// Entries of a list, if not said otherwise, and at most.
const LISTED: u16 = 100;
const MOST: u16 = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/webhooks", get(list).post(add))
        .route("/api/webhooks/{id}", delete(remove))
        .route("/api/webhooks/{id}/test", post(test))
        .route("/api/webhooks/{id}/deliveries", get(deliveries))
}

/// Where notifications of an app are sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookBody {
    id: Uuid,
    app: String,
    /// Null for all of the app's.
    action: Option<String>,
    url: String,
    /// Whether the setting `webhook_origins` still lets it lead there.
    allowed: bool,
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this app.
    app: Option<String>,
    /// Behind this one: for the next page.
    after: Option<Uuid>,
    /// At most so many: 100, if not said; 1000 at most.
    limit: Option<u16>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    /// Oldest first.
    webhooks: Vec<WebhookBody>,
}

/// Lists webhooks.
#[utoipa::path(
    get, path = "/api/webhooks", tag = "webhooks", params(ListQuery),
    responses(
        (status = 200, body = WebhookList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    _: AppsOperator,
    Query(query): Query<ListQuery>,
) -> Result<Json<WebhookList>, ApiError> {
    let app = query.app.as_deref().map(str::parse::<AppName>).transpose();
    let app = app.map_err(|error| ApiError::Invalid(error.to_string()))?;
    let limit = query.limit.unwrap_or(LISTED).min(MOST);
    let pool = services.store.pool();
    let rows = webhooks::list(pool, app.as_ref(), query.after, limit.into()).await?;
    let webhooks = rows.into_iter().map(|row| body(&services, row)).collect();
    Ok(Json(WebhookList { webhooks }))
}

fn body(services: &Services, row: WebhookRow) -> WebhookBody {
    let allowed = services.notifications.webhook_origins();
    WebhookBody {
        allowed: policy::admit(allowed, &row.url).is_ok(),
        id: row.id,
        app: row.app.to_string(),
        action: row.action,
        url: row.url,
        created_by: row.created_by,
        created_at: row.created_at,
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddBody {
    app: String,
    /// All of the app's, if not given.
    #[serde(default)]
    action: Option<String>,
    url: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct AddedBody {
    #[serde(flatten)]
    webhook: WebhookBody,
    /// What its messages are signed with. It is shown this once.
    secret: String,
}

/// Has notifications of an app sent to an address, signed as the Standard Webhooks specification
/// has it.
#[utoipa::path(
    post, path = "/api/webhooks", tag = "webhooks", request_body = AddBody,
    responses(
        (status = 201, body = AddedBody),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "no such app, or it declares no such action"),
        (status = 409, body = ErrorBody, description = "the app has as many as it may"),
        (status = 422, body = ErrorBody, description = "it may not lead there"),
    )
)]
pub(crate) async fn add(
    State(services): State<Services>,
    operator: AppsOperator,
    Json(asked): Json<AddBody>,
) -> Result<(StatusCode, Json<AddedBody>), ApiError> {
    let missing = || ApiError::NotFound(format!("app '{}' not found", asked.app));
    let app: AppName = asked.app.parse().map_err(|_| missing())?;
    let pool = services.store.pool();
    if !apps::exists(pool, &app).await? {
        return Err(missing());
    }
    if let Some(action) = &asked.action
        && subscriptions::find_declared(pool, &app, action)
            .await?
            .is_none()
    {
        let text = format!("the app `{app}` declares no such notification");
        return Err(ApiError::NotFound(text));
    }
    let (rule, _) = policy::admit(services.notifications.webhook_origins(), &asked.url)
        .map_err(|refused| ApiError::Unprocessable(refused.to_string()))?;

    let now = services.clock.now();
    let new = WebhookRow {
        id: services.entropy.id(&services.clock),
        app,
        action: asked.action,
        url: asked.url,
        created_by: operator.username.clone(),
        created_at: now,
    };
    let secret = sign::generate(&services.entropy);
    let (name, bytes) = (secret_name(new.id), secret.as_bytes());
    let mut tx = services.store.pool().begin().await?;
    if webhooks::count(&mut *tx, &new.app).await? >= policy::OF_ONE {
        return Err(ApiError::Conflict(format!(
            "the app `{}` has {} webhooks: remove one first",
            new.app,
            policy::OF_ONE
        )));
    }
    webhooks::insert(&mut *tx, &new).await?;
    let vault = &services.vault;
    vault
        .set(&mut tx, &new.app, &name, bytes, &operator.username)
        .await?;
    // Not the whole address, in which people put secrets.
    let entry = Entry::of_app(operator.actor(), "webhook.add", &new.app)
        .with("webhook", new.id.to_string())
        .with("origin", rule.origin.to_string());
    audit::record(&mut tx, now, entry).await?;
    tx.commit().await?;

    let added = AddedBody {
        webhook: body(&services, new),
        secret: secret.to_string(),
    };
    Ok((StatusCode::CREATED, Json(added)))
}

/// Removes a webhook, and what was sent by it.
#[utoipa::path(
    delete, path = "/api/webhooks/{id}", tag = "webhooks",
    params(("id" = Uuid, Path, description = "the webhook's id")),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn remove(
    State(services): State<Services>,
    operator: AppsOperator,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id = parsed(&id)?;
    let mut tx = services.store.pool().begin().await?;
    let gone = webhooks::delete(&mut *tx, id).await?.ok_or_else(missing)?;
    credentials::delete(&mut *tx, &gone.app, &secret_name(id)).await?;
    let entry = Entry::of_app(operator.actor(), "webhook.remove", &gone.app)
        .with("webhook", id.to_string());
    audit::record(&mut tx, services.clock.now(), entry).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn parsed(id: &str) -> Result<Uuid, ApiError> {
    id.parse().map_err(|_| missing())
}

fn missing() -> ApiError {
    ApiError::NotFound("there is no such webhook".to_owned())
}

#[derive(Serialize, ToSchema)]
pub(crate) struct TestAnswer {
    /// The delivery's id: see `GET /api/webhooks/{id}/deliveries`.
    delivery: Uuid,
}

/// Sends `{"type": "test", "app_name"}` by a webhook, as a notification would be.
#[utoipa::path(
    post, path = "/api/webhooks/{id}/test", tag = "webhooks",
    params(("id" = Uuid, Path, description = "the webhook's id")),
    responses(
        (status = 202, body = TestAnswer),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn test(
    State(services): State<Services>,
    _: AppsOperator,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<TestAnswer>), ApiError> {
    let id = parsed(&id)?;
    let pool = services.store.pool();
    webhooks::find(pool, id).await?.ok_or_else(missing)?;
    let delivery = services.entropy.id(&services.clock);
    deliveries::put_test(pool, delivery, id, services.clock.now()).await?;
    services.notifications.look_for_webhooks();
    Ok((StatusCode::ACCEPTED, Json(TestAnswer { delivery })))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveriesQuery {
    /// `pending`, `delivered` or `failed`.
    state: Option<String>,
    /// With a smaller number than this: for the next page.
    before: Option<i64>,
    /// At most so many: 100, if not said; 1000 at most.
    limit: Option<u16>,
}

/// One notification on its way, or over.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryBody {
    seq: i64,
    /// The header `webhook-id` is `msg_` and this without hyphens, the same at each try.
    id: Uuid,
    action: String,
    /// The notification's id; null for a test.
    notification: Option<i64>,
    state: String,
    attempts: i32,
    /// The next try; null once it is over.
    #[serde(with = "time::serde::rfc3339::option")]
    next_try_at: Option<OffsetDateTime>,
    /// What was answered to the last try.
    status: Option<i32>,
    error: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    finished_at: Option<OffsetDateTime>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// Newest first.
    deliveries: Vec<DeliveryBody>,
}

/// Lists what a webhook sends and has sent, newest first.
#[utoipa::path(
    get, path = "/api/webhooks/{id}/deliveries", tag = "webhooks",
    params(("id" = Uuid, Path, description = "the webhook's id"), DeliveriesQuery),
    responses(
        (status = 200, body = DeliveryList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
pub(crate) async fn deliveries(
    State(services): State<Services>,
    _: AppsOperator,
    Path(id): Path<String>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<DeliveryList>, ApiError> {
    let state = query.state.as_deref();
    if !matches!(state, None | Some("pending" | "delivered" | "failed")) {
        let text = "`state` must be `pending`, `delivered` or `failed`";
        return Err(ApiError::Invalid(text.to_owned()));
    }
    let id = parsed(&id)?;
    let pool = services.store.pool();
    webhooks::find(pool, id).await?.ok_or_else(missing)?;
    let limit = query.limit.unwrap_or(LISTED).min(MOST);
    let rows = deliveries::list(pool, id, state, query.before, limit.into()).await?;
    let deliveries = rows
        .into_iter()
        .map(|row| DeliveryBody {
            next_try_at: row.finished_at.is_none().then_some(row.due_at),
            seq: row.seq,
            id: row.id,
            action: row.action,
            notification: row.notification,
            state: row.state,
            attempts: row.attempts,
            status: row.status,
            error: row.error,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
        .collect();
    Ok(Json(DeliveryList { deliveries }))
}
