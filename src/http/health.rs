//! Whether this node lives, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use utoipa::ToSchema;

use crate::postgres;
use crate::services::Services;

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/healthz", get(alive))
        .route("/health", get(alive))
        .route("/readyz", get(ready))
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `not ready`.
    status: &'static str,
    /// What is not ready; empty where everything is.
    waiting_for: Vec<String>,
}

/// Answers as long as the process lives.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()), responses((status = 200, body = Health)))]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health {
        status: "ok",
        waiting_for: Vec::new(),
    })
}

/// Says whether calls can be answered, and what they wait for.
#[utoipa::path(
    get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, body = Health), (status = 503, body = Health))
)]
pub(crate) async fn ready(State(services): State<Services>) -> (StatusCode, Json<Health>) {
    let mut waiting_for = Vec::new();
    if services.draining.is_cancelled() {
        waiting_for.push("the server is stopping".to_owned());
    }
    let health = services.database_health.as_ref();
    if health.is_some_and(|health| *health.borrow() == postgres::Health::Restarting) {
        waiting_for.push("the embedded database is being started again".to_owned());
    } else if services.store.ping().await.is_err() {
        waiting_for.push("the database does not answer".to_owned());
    }
    let starting = services.serving.starting();
    if starting > 0 {
        let apps = if starting == 1 { "app is" } else { "apps are" };
        waiting_for.push(format!("{starting} {apps} being compiled"));
    }
    if waiting_for.is_empty() {
        let health = Health {
            status: "ok",
            waiting_for,
        };
        (StatusCode::OK, Json(health))
    } else {
        let health = Health {
            status: "not ready",
            waiting_for,
        };
        (StatusCode::SERVICE_UNAVAILABLE, Json(health))
    }
}
