//! Which of the forms that we have of a file a client wants.

use axum::http::{HeaderMap, header};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
    Plain,
}

impl Encoding {
    /// As in `Content-Encoding`; none for the file as it is.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Plain => None,
        }
    }
}

/// The smallest form that the client accepts. What it merely prefers does not matter: the
/// contents are the same.
pub(super) fn best(asked: &HeaderMap) -> Encoding {
    if accepts(asked, "br") {
        Encoding::Brotli
    } else if accepts(asked, "gzip") {
        Encoding::Gzip
    } else {
        Encoding::Plain
    }
}

/// Whether the client accepts a form of this name.
pub(in crate::http) fn accepts(asked: &HeaderMap, name: &str) -> bool {
    asked
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| {
            let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = weight.trim().strip_prefix("q=");
            coding.trim().eq_ignore_ascii_case(name)
                && weight
                    .and_then(|weight| weight.parse::<f32>().ok())
                    .unwrap_or(1.0)
                    > 0.0
        })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn the_smallest_form_that_is_accepted_is_the_best() {
        for (accepted, best_form) in [
            ("gzip, deflate, br, zstd", Encoding::Brotli),
            ("BR;q=0.1, gzip;q=1", Encoding::Brotli),
            ("br;q=0, gzip", Encoding::Gzip),
            ("br;q=0.0, gzip; q=0.5", Encoding::Gzip),
            ("identity", Encoding::Plain),
            ("brotli, xgzip", Encoding::Plain),
            ("", Encoding::Plain),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepted));
            assert_eq!(best(&headers), best_form, "{accepted}");
        }
        assert_eq!(best(&HeaderMap::new()), Encoding::Plain);
    }
}
