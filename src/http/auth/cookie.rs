//! The session cookie of browsers.

use axum::http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};

const NAME: &str = "skep_session";

/// Reads the session cookie.
pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == NAME && !value.is_empty())
        .map(|(_, value)| value)
}

/// The header that sets the session cookie.
pub(crate) fn set(
    token: &SecretString,
    max_age: i64,
    secure: bool,
) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(format!(
        "{NAME}={}; HttpOnly; SameSite=Lax; Path=/; Max-Age={max_age}{}",
        token.expose_secret(),
        if secure { "; Secure" } else { "" }
    ))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header that takes the session cookie away.
pub(crate) fn clear(secure: bool) -> HeaderValue {
    HeaderValue::from_static(if secure {
        "skep_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure"
    } else {
        "skep_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others() {
        for (header, token) in [
            ("skep_session=abc", Some("abc")),
            ("a=b; skep_session=abc; c=d", Some("abc")),
            ("xskep_session=no; skep_session=a=b", Some("a=b")),
            ("skep_session=", None),
            ("skep_session", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_static(header));
            assert_eq!(read(&headers), token, "{header}");
        }
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() {
        let token = SecretString::from("abc");

        assert_eq!(
            set(&token, 60, false).unwrap(),
            "skep_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60"
        );
        assert_eq!(
            set(&token, 60, true).unwrap(),
            "skep_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60; Secure"
        );
        assert!(!format!("{:?}", set(&token, 60, true).unwrap()).contains("abc"));
    }
}
