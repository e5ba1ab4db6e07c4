//! The HTTP interface: one file per resource and audience.

pub(crate) mod admin;
pub(crate) mod apps;
pub(crate) mod assets;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod calls;
pub(crate) mod consent;
mod content_policy;
pub(crate) mod credentials;
pub(crate) mod deploy;
pub(crate) mod error;
pub(crate) mod health;
pub(crate) mod jobs;
pub(crate) mod json;
pub(crate) mod live;
pub(crate) mod logs;
pub(crate) mod metrics;
pub(crate) mod notify;
pub(crate) mod openapi;
pub(crate) mod prompt;
pub(crate) mod query;
mod receipts;
pub(crate) mod request_id;
pub(crate) mod retention;
pub(crate) mod roles;
pub(crate) mod schedules;
pub(crate) mod settings;
pub(crate) mod shell;
pub(crate) mod system;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tokens;
pub(crate) mod usage;
pub(crate) mod users;
pub(crate) mod webhooks;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use tower_http::set_header::SetResponseHeaderLayer;

use self::error::ApiError;
use crate::services::Services;

/// Everything that Skep answers.
pub(crate) fn router(services: Services) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .merge(admin::router())
        .merge(apps::router())
        .merge(assets::router())
        .merge(audit::router())
        .merge(auth::router())
        .merge(calls::router())
        .merge(consent::router())
        .merge(credentials::router())
        .merge(deploy::router())
        .merge(health::router())
        .merge(jobs::router())
        .merge(live::router(&services))
        .merge(logs::router())
        .merge(metrics::router())
        .merge(notify::router())
        .merge(openapi::router())
        .merge(prompt::router())
        .merge(receipts::router())
        .merge(retention::router())
        .merge(roles::router())
        .merge(schedules::router())
        .merge(settings::router())
        .merge(shell::router())
        .merge(system::router())
        .merge(tokens::router())
        .merge(usage::router())
        .merge(users::router())
        .merge(webhooks::router())
        .fallback(|| async { ApiError::NotFound("there is nothing at this address".to_owned()) })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        // Answers are one caller's own, and no pages, where they do not say otherwise.
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // No page of another site, or of another port of this one, may have a script or picture.
        .layer(header(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ))
        .layer(header(
            header::CONTENT_SECURITY_POLICY,
            content_policy::NOTHING,
        ))
        .layer(middleware::from_fn_with_state(
            services.clone(),
            request_id::identify,
        ))
        .with_state(services)
}

/// The same, for requests that are meant for this machine alone.
pub(crate) fn local_router(services: Services) -> Router {
    router(services).layer(middleware::from_fn(live::only_local))
}
