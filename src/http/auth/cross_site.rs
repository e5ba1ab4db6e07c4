//! Whether a request that a browser vouches for by cookie comes from our own pages.
//!
//! The rules are those of `CrossOriginProtection` in Go's `net/http`: they need no
//! secret in any form, and trust what every browser has sent since 2023.

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Uri, header};

/// Decides whether a request is safe to act on, or has no foreign page behind it.
pub(crate) fn admit(parts: &Parts) -> bool {
    // A WebSocket opens with GET, but is not protected by what protects a GET: a foreign
    // page may read what comes back.
    let opens_socket = parts.headers.contains_key(header::UPGRADE);
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    if safe && !opens_socket {
        return true;
    }

    match text(&parts.headers, &HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => true,
        Some(_) => false,
        None => match text(&parts.headers, &header::ORIGIN) {
            Some(origin) => is_own(origin, parts),
            // Neither header: not a browser, so nobody is being tricked.
            None => true,
        },
    }
}

fn is_own(origin: &str, parts: &Parts) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else {
        return false;
    };
    let own = text(&parts.headers, &header::HOST)
        .or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
    // Without a scheme it is `null`, the origin of sandboxed pages and of files.
    match (origin.scheme(), origin.authority(), own) {
        (Some(_), Some(origin), Some(own)) => origin.as_str().eq_ignore_ascii_case(own),
        _ => false,
    }
}

/// A header's text; one that is not text counts as foreign.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers
        .get(name)
        .map(|value| value.to_str().unwrap_or("not text"))
        .filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use axum::extract::Request;

    use super::*;

    fn admitted(method: Method, headers: &[(&'static str, &str)]) -> bool {
        let mut request = Request::builder()
            .method(method)
            .uri("/api/auth/logout")
            .header("host", "skep.example:3000");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        admit(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn our_own_pages_and_programs_are_admitted() {
        for headers in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "none")],
            &[("origin", "http://skep.example:3000")],
            &[("origin", "https://skep.example:3000")],
            &[("origin", "http://SKEP.example:3000")],
            // The browser's own judgement counts more.
            &[
                ("sec-fetch-site", "same-origin"),
                ("origin", "http://proxy.example"),
            ],
        ] {
            assert!(admitted(Method::POST, headers), "{headers:?}");
        }
    }

    #[test]
    fn other_sites_are_refused_whatever_the_method() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "nonsense")],
            &[("origin", "http://evil.example")],
            &[("origin", "http://skep.example")],
            &[("origin", "http://skep.example:3001")],
            &[("origin", "http://skep.example:3000.evil.example")],
            &[("origin", "http://evil.example@skep.example:3000")],
            &[("origin", "null")],
            &[("origin", "skep.example:3000")],
            &[("origin", "nonsense with spaces")],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://skep.example:3000"),
            ],
        ] {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert!(!admitted(method, headers), "{headers:?}");
            }
        }
    }

    #[test]
    fn reading_is_admitted_from_everywhere() {
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert!(admitted(method, &[("sec-fetch-site", "cross-site")]));
        }
    }

    #[test]
    fn a_socket_is_opened_by_our_own_pages_only() {
        let upgrade = ("upgrade", "websocket");

        assert!(admitted(
            Method::GET,
            &[upgrade, ("sec-fetch-site", "same-origin")]
        ));
        assert!(!admitted(
            Method::GET,
            &[upgrade, ("origin", "http://evil.example")]
        ));
    }

    #[test]
    fn http_2_names_the_host_in_the_address() {
        let parts = |origin| {
            Request::post("https://skep.example/")
                .header("origin", origin)
                .body(())
                .unwrap()
                .into_parts()
                .0
        };

        assert!(admit(&parts("https://skep.example")));
        assert!(!admit(&parts("https://evil.example")));
    }
}
