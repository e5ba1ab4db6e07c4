//! Notifications: who wants which, and the two ways that they come.

pub(crate) mod events;
pub(crate) mod socket;
#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

use super::auth::extract::AppsCaller;
use super::error::{ApiError, ErrorBody};
use super::json::Json;
use super::query::Query;
use crate::auth::Identity;
use crate::ids::AppName;
use crate::notify::Full;
use crate::services::Services;
use crate::store::notifications::subscriptions::{self, SubscribableRow};

/// Entries of a list, if not said otherwise, and at most.
const LISTED: u16 = 100;
const MOST: u16 = 1_000;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/api/notify/subscribe", post(subscribe))
        .route("/api/notify/subscriptions", get(list))
        .route(
            "/api/notify/subscriptions/{app}/{action}",
            delete(unsubscribe),
        )
        .route("/api/notify/events", get(events::open))
        .route("/api/ws/notify", get(socket::open))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubscribeBody {
    app_name: String,
    action_name: String,
    /// False ends a subscription.
    #[serde(default = "yes")]
    #[schema(default = true)]
    subscribed: bool,
}

fn yes() -> bool {
    true
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SubscribeAnswer {
    app_name: String,
    action_name: String,
    subscribed: bool,
}

/// Subscribes the caller to notifications of an app, or ends that.
///
/// What the action requires is asked for here, and again each time that one is delivered.
#[utoipa::path(
    post, path = "/api/notify/subscribe", tag = "notifications", request_body = SubscribeBody,
    responses(
        (status = 200, body = SubscribeAnswer),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody, description = "the action requires a permission; the text names it"),
        (status = 404, body = ErrorBody, description = "no such app, or it declares no such action"),
    )
)]
pub(crate) async fn subscribe(
    State(services): State<Services>,
    caller: AppsCaller,
    Json(body): Json<SubscribeBody>,
) -> Result<Json<SubscribeAnswer>, ApiError> {
    let pool = services.store.pool();
    let unknown = || unknown(&body.app_name, &body.action_name);
    let app: AppName = body.app_name.parse().map_err(|_| unknown())?;
    let declared = subscriptions::find_declared(pool, &app, &body.action_name).await?;
    if body.subscribed {
        let declared = declared.ok_or_else(unknown)?;
        if let Some(permission) = &declared.required_permission {
            caller.require(permission)?;
        }
        let now = services.clock.now();
        subscriptions::put(pool, caller.user, &app, &body.action_name, now).await?;
    } else {
        // What an app does not declare any more can still be left.
        let ended = subscriptions::delete(pool, caller.user, &app, &body.action_name).await?;
        if !ended && declared.is_none() {
            return Err(unknown());
        }
    }
    Ok(Json(SubscribeAnswer {
        app_name: body.app_name,
        action_name: body.action_name,
        subscribed: body.subscribed,
    }))
}

fn unknown(app: &str, action: &str) -> ApiError {
    let shown = |text: &str| text.chars().take(64).collect::<String>();
    ApiError::NotFound(format!(
        "there is no app `{}` that declares a notification `{}`: see \
         `GET /api/notify/subscriptions`",
        shown(app),
        shown(action)
    ))
}

/// Ends a subscription of the caller.
#[utoipa::path(
    delete, path = "/api/notify/subscriptions/{app}/{action}", tag = "notifications",
    params(
        ("app" = String, Path, description = "the app's name"),
        ("action" = String, Path, description = "the action's name"),
    ),
    responses(
        (status = 204),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody, description = "the caller is not subscribed to it"),
    )
)]
pub(crate) async fn unsubscribe(
    State(services): State<Services>,
    caller: AppsCaller,
    Path((app, action)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let missing = || ApiError::NotFound("you are not subscribed to it".to_owned());
    let app: AppName = app.parse().map_err(|_| missing())?;
    let pool = services.store.pool();
    if subscriptions::delete(pool, caller.user, &app, &action).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(missing())
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    /// Of this app.
    app: Option<String>,
    /// Only what the caller is subscribed to, or, if false, is not.
    subscribed: Option<bool>,
    /// Behind this entry, as `app/action`: for the next page.
    after: Option<String>,
    /// At most so many: 100, if not said; 1000 at most.
    limit: Option<u16>,
}

/// Whether notifications of a subscription come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// They come, or would.
    Active,
    /// The caller lacks the permission that the action requires now.
    NoPermission,
    /// The app is disabled.
    Disabled,
    /// The app declares no such action any more.
    Undeclared,
}

/// A notification of an app, and whether the caller gets it.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionBody {
    app_name: String,
    action_name: String,
    app_display_name: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    required_permission: Option<String>,
    subscribed: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    subscribed_at: Option<OffsetDateTime>,
    status: Status,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionList {
    /// By app and action: the caller's subscriptions, and what may be subscribed to.
    subscriptions: Vec<SubscriptionBody>,
    /// What to give as `after` for the next page; null on the last.
    next: Option<String>,
}

/// Lists the caller's subscriptions, and what the caller may subscribe to.
#[utoipa::path(
    get, path = "/api/notify/subscriptions", tag = "notifications", params(ListQuery),
    responses(
        (status = 200, body = SubscriptionList),
        (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody),
    )
)]
pub(crate) async fn list(
    State(services): State<Services>,
    caller: AppsCaller,
    Query(query): Query<ListQuery>,
) -> Result<Json<SubscriptionList>, ApiError> {
    let app = query.app.as_deref().map(str::parse::<AppName>).transpose();
    let app = app.map_err(|error| ApiError::Invalid(error.to_string()))?;
    let after = query.after.as_deref().map(place).transpose()?;
    let limit = usize::from(query.limit.unwrap_or(LISTED).clamp(1, MOST));

    let rows = subscriptions::list(services.store.pool(), caller.user, app.as_ref()).await?;
    let mut bodies = rows
        .into_iter()
        .filter(|row| after.is_none_or(|after| (row.app.as_str(), row.action.as_str()) > after))
        .map(|row| body(row, &caller))
        // What the caller neither has nor can have is not the caller's business.
        .filter(|body| body.subscribed || body.status != Status::NoPermission)
        .filter(|body| {
            query
                .subscribed
                .is_none_or(|wanted| body.subscribed == wanted)
        });
    let page: Vec<SubscriptionBody> = bodies.by_ref().take(limit).collect();
    let last = page.last();
    let next = last.map(|body| format!("{}/{}", body.app_name, body.action_name));
    Ok(Json(SubscriptionList {
        next: next.filter(|_| bodies.next().is_some()),
        subscriptions: page,
    }))
}

fn place(after: &str) -> Result<(&str, &str), ApiError> {
    after
        .split_once('/')
        .ok_or_else(|| ApiError::Invalid("`after` must be `app/action`".to_owned()))
}

fn body(row: SubscribableRow, caller: &Identity) -> SubscriptionBody {
    let permission = row.required_permission.as_deref();
    let status = if row.display_name.is_none() {
        Status::Undeclared
    } else if permission.is_some_and(|permission| !caller.may(permission)) {
        Status::NoPermission
    } else if !row.enabled {
        Status::Disabled
    } else {
        Status::Active
    };
    SubscriptionBody {
        app_name: row.app.to_string(),
        action_name: row.action,
        app_display_name: row.app_display_name,
        display_name: row.display_name,
        description: row.description,
        required_permission: row.required_permission,
        subscribed: row.subscribed_at.is_some(),
        subscribed_at: row.subscribed_at,
        status,
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FollowQuery {
    /// The id of the last notification that was read: those after it come first.
    last_id: Option<i64>,
}

impl From<Full> for ApiError {
    fn from(error: Full) -> Self {
        match error {
            Full::Stopping | Full::All(_) => Self::Unavailable(error.to_string(), 5),
            Full::OfOne(_) => Self::TooMany(error.to_string()),
        }
    }
}
