//! The admin pages: one page of HTML for all of their addresses, and its files.
//!
//! The pages use the interface that everybody may use, so they may be given to anybody: what
//! they show is asked for by whoever is logged in.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::assets::{self, Kept};
use super::content_policy;
use super::error::ApiError;
use crate::services::Services;
use crate::ui;

/// The page, with the addresses of its files; each answer puts its nonce in.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let files = format!("/admin/assets/{}", ui::ADMIN_DIGEST);
    // What the first page needs is loaded at once, not one import after the other.
    let preloads: String = ui::ADMIN
        .iter()
        .filter(|file| file.path.starts_with("lib/") || file.path.starts_with("kit/"))
        .map(|file| {
            let path = file.path;
            format!("<link rel=\"modulepreload\" href=\"{files}/{path}\" nonce=\"{{nonce}}\">\n")
        })
        .collect();
    let html = ui::admin("index.html").map_or(&[][..], |file| file.plain);
    String::from_utf8_lossy(html)
        .replace("{files}", &files)
        .replace("{preloads}", preloads.trim_end())
});

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/", get(|| async { Redirect::to("/admin/") }))
        .route("/admin", get(|| async { Redirect::to("/admin/") }))
        .route("/admin/", get(page))
        .route("/admin/{*page}", get(other_page))
        .route("/admin/assets/{digest}/{*path}", get(file))
}

/// The page. Which of them it is, its scripts read from the address.
async fn page(State(services): State<Services>) -> Result<Response, ApiError> {
    let (headers, html) = content_policy::page(&PAGE, &services.entropy)?;
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    Ok((kind, headers, html).into_response())
}

async fn other_page(
    services: State<Services>,
    Path(path): Path<String>,
) -> Result<Response, ApiError> {
    // A program that asks for a path that is not there wants no page.
    if path == "api" || path.starts_with("api/") || path.starts_with("assets/") {
        return Err(ApiError::NotFound(
            "there is nothing at this address".to_owned(),
        ));
    }
    page(services).await
}

/// A script or style of the pages. An address with the digest of an older version leads to
/// what is here now: its page is about to be loaded again.
async fn file(Path((digest, path)): Path<(String, String)>, request: Request) -> Response {
    let kept = if digest == ui::ADMIN_DIGEST {
        Kept::ForGood
    } else {
        Kept::WhileSame
    };
    match ui::admin(&path) {
        Some(file) if path != "index.html" => assets::serve(file, request.headers(), kept),
        Some(_) | None => (StatusCode::NOT_FOUND, "there is no such file").into_response(),
    }
}

#[cfg(test)]
mod tests;
