//! What `skep dev` serves beside: pages hear of deploys, and a link logs in. A server that is not
//! for development has none of it.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;

use super::auth::address::ClientAddress;
use super::auth::extract::AppsCaller;
use super::auth::session_cookie;
use super::error::ApiError;
use super::json::Json;
use super::query::Query;
use crate::ids::AppName;
use crate::live::{Live, Word};
use crate::services::Services;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) fn router(services: &Services) -> Router<Services> {
    let Some(live) = services.live.clone() else {
        return Router::new();
    };
    let listen = live.clone();
    let news = async move |State(services): State<Services>, _: AppsCaller| {
        Ok::<_, ApiError>(follow(&services, &listen))
    };
    let login = async move |services, address, query| log_in(services, address, query, &live).await;
    Router::new()
        .route("/dev/news", get(news))
        .route("/dev/login", get(login))
}

/// Refuses what was not meant for this machine: a page of another site can make a name of its own
/// stand for this address, and would then be of the same origin.
pub(crate) async fn only_local(request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST);
    let host = named.and_then(|host| host.to_str().ok());
    if host.is_some_and(is_local) {
        return next.run(request).await;
    }
    let error = "this server answers to 127.0.0.1, localhost and [::1] only";
    (
        StatusCode::MISDIRECTED_REQUEST,
        Json(json!({ "error": error })),
    )
        .into_response()
}

/// Whether a `Host` header names this machine, on whichever port.
fn is_local(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        Some(_) | None => (host, ""),
    };
    port.bytes().all(|byte| byte.is_ascii_digit())
        && ["127.0.0.1", "localhost", "[::1]"].contains(&name)
}

#[derive(Deserialize)]
struct LoginQuery {
    key: String,
    /// The app whose page to go to; without one, the admin pages.
    app: Option<String>,
}

/// Logs whoever has the link in as `admin`.
async fn log_in(
    State(services): State<Services>,
    ClientAddress(address): ClientAddress,
    Query(query): Query<LoginQuery>,
    live: &Live,
) -> Result<Response, ApiError> {
    if !live.admits(&query.key) {
        return Err(ApiError::NotFound(
            "this link is of an earlier start: take the one that `skep dev` shows now".to_owned(),
        ));
    }
    let login = services.auth.login_as("admin", address).await?;
    let cookie = session_cookie(&services, &login)?;
    let target = match query.app {
        Some(app) => format!("/apps/{}/", app.parse::<AppName>()?),
        None => "/admin/".to_owned(),
    };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&target)).into_response())
}

/// Server-Sent Events: `deployed` and `failed`, each with JSON that names the app.
fn follow(services: &Services, live: &Live) -> Response {
    let words = stream::unfold(live.listen(), async |mut words| {
        loop {
            let event = match words.recv().await {
                Ok(Word::Deployed(app)) => ("deployed", json!({ "app": app })),
                Ok(Word::Failed(app, why)) => ("failed", json!({ "app": app, "why": why })),
                Ok(Word::Ended(_) | Word::Line(_)) | Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return None,
            };
            return Some((event, words));
        }
    });
    let events = words.map(|(name, data)| {
        Ok::<_, Infallible>(Event::default().event(name).data(data.to_string()))
    });
    let stop = services.draining.clone().cancelled_owned();
    Sse::new(events.take_until(stop))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

#[cfg(test)]
mod tests;
