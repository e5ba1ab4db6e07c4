//! What `skep dev` serves beside: pages hear of deploys, and a link logs in. A server that is not
//! for development has none of it.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
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
    let password = live.password(&query.key).ok_or_else(|| {
        ApiError::NotFound(
            "this link is of an earlier start: take the one that `skep dev` shows now".to_owned(),
        )
    })?;
    let login = services.auth.login("admin", password, address).await?;
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
