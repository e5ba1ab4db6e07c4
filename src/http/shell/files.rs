//! Files of apps for browsers. Nobody keeps them for anybody else: the app may not be for all.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::http::assets::{Kept, accepts, has};
use crate::http::content_policy;
use crate::shell::File;

/// Letters of a digest.
const DIGEST: usize = 64;

/// The digest that an address below an app's page names, as `@DIGEST/`, and the file's path.
pub(super) fn parts(path: &str) -> (Option<&str>, &str) {
    let named = path.strip_prefix('@').and_then(|rest| {
        let (digest, name) = rest.split_once('/')?;
        let is_digest =
            digest.len() == DIGEST && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_digest.then_some((Some(digest), name))
    });
    named.unwrap_or((None, path))
}

/// Answers with a file in the smaller form that the client takes, or says that it has it.
pub(super) fn serve(file: &File, asked: &HeaderMap, kept: Kept) -> Response {
    let packed = file.gzip.as_ref().filter(|_| accepts(asked, "gzip"));
    let tag = match packed {
        Some(_) => format!("\"{}-gz\"", file.integrity),
        None => format!("\"{}\"", file.integrity),
    };
    let cache = match kept {
        Kept::ForGood => "private, max-age=31536000, immutable",
        Kept::WhileSame => "private, no-cache",
    };
    let mut headers = HeaderMap::new();
    let mut put = |name, value: &str| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    put(header::CACHE_CONTROL, cache);
    put(header::VARY, "accept-encoding");
    put(header::ETAG, &tag);
    if has(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    put(header::CONTENT_TYPE, &file.kind);
    if file.kind.starts_with("text/javascript") {
        put(header::CONTENT_SECURITY_POLICY, content_policy::SCRIPT);
    }
    if packed.is_some() {
        put(header::CONTENT_ENCODING, "gzip");
    }
    (headers, packed.unwrap_or(&file.plain).clone()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_digest_in_the_first_part_names_the_contents() {
        let digest = "0123456789abcdef".repeat(4);
        let path = format!("@{digest}/js/app.js");
        assert_eq!(parts(&path), (Some(digest.as_str()), "js/app.js"));

        for path in [
            "js/app.js",
            "@x/app.js",
            "@",
            &format!("@{digest}"),
            &format!("@{digest}0/a"),
        ] {
            assert_eq!(parts(path), (None, path));
        }
    }
}
