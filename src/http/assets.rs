//! Files for browsers: the libraries that apps' pages use, at the addresses that the
//! NodeRouter contract names. Anybody may have them.

mod encoding;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use self::encoding::Encoding;
pub(super) use self::encoding::accepts;
use super::error::ApiError;
use crate::services::Services;
use crate::ui::{self, Asset};

pub(crate) fn router() -> Router<Services> {
    Router::new()
        .route("/assets/vendor/LICENSES.txt", get(licences))
        .route("/assets/vendor/{file}", get(library))
        .route("/static/css/{file}", get(library))
        .route("/static/js/{file}", get(library))
}

/// How long a browser may keep a file.
#[derive(Clone, Copy)]
pub(super) enum Kept {
    /// The address names the contents.
    ForGood,
    /// The next release of Skep may have another at this address: ask whether it is the same.
    WhileSame,
}

async fn licences() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (kind, ui::LICENCES).into_response()
}

async fn library(OriginalUri(address): OriginalUri, request: Request) -> Response {
    match ui::library(address.path()) {
        // `?v=` with the digest names the contents; with anything else it may be a mistake.
        Some(asset) if address.query() == Some(&format!("v={}", asset.digest)) => {
            serve(asset, request.headers(), Kept::ForGood)
        }
        Some(asset) => serve(asset, request.headers(), Kept::WhileSame),
        None => {
            let all: Vec<&str> = ui::LIBRARIES.iter().map(|asset| asset.path).collect();
            ApiError::NotFound(format!(
                "there is no such library; those here are {}",
                all.join(", ")
            ))
            .into_response()
        }
    }
}

/// Answers with a file in the best form that the client takes, or says that it has it.
pub(super) fn serve(asset: &'static Asset, asked: &HeaderMap, kept: Kept) -> Response {
    let encoding = encoding::best(asked);
    let (bytes, tag) = match encoding {
        Encoding::Brotli => (asset.brotli, format!("\"{}-br\"", asset.digest)),
        Encoding::Gzip => (asset.gzip, format!("\"{}-gz\"", asset.digest)),
        Encoding::Plain => (asset.plain, format!("\"{}\"", asset.digest)),
    };
    let cache = match kept {
        Kept::ForGood => "public, max-age=31536000, immutable",
        Kept::WhileSame => "public, no-cache",
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if has(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    (headers, bytes).into_response()
}

/// Whether the client has the file with this tag.
pub(super) fn has(asked: &HeaderMap, tag: &str) -> bool {
    asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == tag || known == "*")
}

#[cfg(test)]
mod tests;
