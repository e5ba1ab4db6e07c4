//! One id for each request: in its answer, its log lines and its errors.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

use crate::services::Services;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: Uuid;
}

/// The id of the request that is being answered; none outside of one.
pub(crate) fn current() -> Option<Uuid> {
    CURRENT.try_with(|id| *id).ok()
}

/// Goes on with some work as the request that is being answered, wherever it is carried to.
pub(crate) fn carry<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let id = current();
    async move {
        match id {
            Some(id) => CURRENT.scope(id, work).await,
            None => work.await,
        }
    }
}

/// Gives each request its id: the one that a proxy in front of us sent, if it is a UUID.
pub(crate) async fn identify(
    State(services): State<Services>,
    request: Request,
    next: Next,
) -> Response {
    let sent = request
        .headers()
        .get(HEADER)
        .and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok());
    let id = sent.unwrap_or_else(|| services.entropy.id(&services.clock));
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();

    let mut response = CURRENT.scope(id, next.run(request)).await;

    tracing::debug!(
        request = %id, %method, path, status = response.status().as_u16(),
        micros = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), "answered"
    );
    let mut text = Uuid::encode_buffer();
    if let Ok(value) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
