//! This node's metrics, for Prometheus: `GET /metrics`.

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::auth::extract::MetricsReader;
use super::error::ErrorBody;
use crate::ledger::Now;
use crate::services::Services;

const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) fn router() -> Router<Services> {
    Router::new().route("/metrics", get(read))
}

/// Shows this node's metrics in the text format of Prometheus. Needs the permission
/// `skep:metrics`; each node has its own numbers.
#[utoipa::path(
    get, path = "/metrics", tag = "health",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody),
    )
)]
pub(crate) async fn read(State(services): State<Services>, _: MetricsReader) -> Response {
    let images = services.serving.images();
    let apps = images.iter().map(|image| {
        (
            image.settings().app.clone(),
            image.running(),
            image.waiting(),
        )
    });
    let now = Now {
        apps: apps.collect(),
        cells: services.cells.alive(),
        connections: services.pools.connections(),
        listening: services.notifications.listening(),
    };
    let text = services.ledger.metrics(&now);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}
