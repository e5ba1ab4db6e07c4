//! Where webhooks may lead, how often a delivery is tried, and what an answer means.

use std::time::Duration;

use http::StatusCode;
use url::{Host, Url};

use crate::app::manifest::Egress;
use crate::app::{Origin, OriginError};
use crate::capability::egress::{EgressError, Refused as NotSent};
use crate::store::webhooks::deliveries::Next;

/// Webhooks of one app.
pub(crate) const OF_ONE: i64 = 20;
/// The longest address of a webhook, in bytes.
pub(crate) const URL_BYTES: usize = 2_048;

/// How long is waited before each try but the first, cut or stretched by up to a fifth.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3_600),
    Duration::from_secs(2 * 3_600),
    Duration::from_secs(4 * 3_600),
    Duration::from_secs(8 * 3_600),
];

/// Why a webhook cannot lead somewhere. The text names the fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the webhook's address is no good: {0}")]
    Origin(#[from] OriginError),
    #[error(
        "the webhook's address is no good: it is not a URL, longer than {URL_BYTES} bytes, or has a user, a password or a fragment"
    )]
    Url,
    #[error(
        "webhooks may not lead to `{0}`: whoever runs the server can allow it in the setting \
         `webhook_origins`"
    )]
    NotAllowed(Origin),
    #[error(
        "webhooks may not lead to `{0}`, which is this machine: name its address instead, here \
         and in the setting `webhook_origins`, such as http://127.0.0.1:8080"
    )]
    ThisMachine(Origin),
    #[error(
        "`{0}` stands for an address of this machine or its network's own: name the address \
         itself, in the webhook and in the setting `webhook_origins`"
    )]
    Near(Origin),
}

/// Decides whether a webhook may lead to an address. What comes back is where to connect to, and
/// the path with the query.
pub(crate) fn admit(allowed: &[Origin], url: &str) -> Result<(Egress, String), Refused> {
    let parsed = Url::parse(url).map_err(|_| Refused::Url)?;
    let bare = parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.fragment().is_none()
        && !url.contains(char::is_whitespace);
    if !bare || url.len() > URL_BYTES {
        return Err(Refused::Url);
    }
    let origin: Origin = parsed.origin().ascii_serialization().parse()?;
    if let Host::Domain(name) = origin.host()
        && (name == "localhost" || name.ends_with(".localhost"))
    {
        return Err(Refused::ThisMachine(origin));
    }
    if !allowed.contains(&origin) {
        return Err(Refused::NotAllowed(origin));
    }
    let path = match parsed.query() {
        Some(query) => format!("{}?{query}", parsed.path()),
        None => parsed.path().to_owned(),
    };
    // Whoever writes the setting may mean the company's own network; addresses of this machine must
    // be named as such, as for apps.
    let rule = Egress {
        origin,
        private: true,
    };
    Ok((rule, path))
}

/// Why nothing was sent, in the words of who runs the server rather than of an app's author.
pub(crate) fn told(error: EgressError) -> anyhow::Error {
    if let EgressError::Refused(NotSent::Near { origin, .. }) = error {
        return Refused::Near(origin).into();
    }
    error.into()
}

/// Decides what becomes of a delivery that was tried so often. `status` is what was answered, if
/// anything was; `chance` is random.
pub(crate) fn next(attempts: i32, status: Option<StatusCode>, chance: u16) -> Next {
    match status {
        Some(status) if status.is_success() => Next::Delivered,
        // The receiver says that it wants no more of it.
        Some(StatusCode::GONE) => Next::Failed,
        Some(_) | None => {
            let done = usize::try_from(attempts).unwrap_or(usize::MAX);
            let pause = done.checked_sub(1).and_then(|done| PAUSES.get(done));
            pause.map_or(Next::Failed, |pause| {
                let factor = 0.8 + 0.4 * f64::from(chance) / f64::from(u16::MAX);
                Next::Again(pause.mul_f64(factor))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Vec<Origin> {
        vec![
            "https://hooks.example.com".parse().unwrap(),
            "http://10.0.0.5:8080".parse().unwrap(),
        ]
    }

    #[test]
    fn an_allowed_origin_is_led_to_with_path_and_query() {
        let (rule, path) = admit(&allowed(), "https://HOOKS.example.com:443/a/b?c=d").unwrap();
        assert_eq!(rule.origin, allowed()[0]);
        assert_eq!(path, "/a/b?c=d");
        assert_eq!(admit(&allowed(), "http://10.0.0.5:8080").unwrap().1, "/");
    }

    #[test]
    fn anything_else_is_refused() {
        for url in [
            "http://hooks.example.com/",
            "https://hooks.example.com:444/",
            "https://hooks.example.com.evil.example/",
            "http://10.0.0.5/",
            "http://127.0.0.1:8080/",
        ] {
            let refused = admit(&allowed(), url);
            assert!(matches!(refused, Err(Refused::NotAllowed(_))), "{url}");
        }
        for url in ["http://localhost:8080/", "http://a.localhost/"] {
            let refused = admit(&["http://localhost:8080".parse().unwrap()], url);
            assert!(matches!(refused, Err(Refused::ThisMachine(_))), "{url}");
        }
        for url in [
            "hooks.example.com",
            "https://user@hooks.example.com/",
            "https://hooks.example.com/#a",
            "ftp://hooks.example.com/",
            "file:///etc/passwd",
            "https://hooks.example.com/ a",
        ] {
            let refused = admit(&allowed(), url);
            assert!(
                matches!(refused, Err(Refused::Url | Refused::Origin(_))),
                "{url}: {refused:?}"
            );
        }
        assert!(admit(&[], "https://hooks.example.com/").is_err());
    }

    #[test]
    fn a_delivery_is_tried_ever_more_rarely_and_then_given_up() {
        let failed = Some(StatusCode::INTERNAL_SERVER_ERROR);
        let again = |seconds: f64| Next::Again(Duration::from_secs_f64(seconds));

        assert_eq!(next(1, failed, 0), again(4.0));
        assert_eq!(next(1, None, u16::MAX), again(6.0));
        assert_eq!(next(2, failed, 0), again(24.0));
        assert_eq!(next(9, failed, 0), again(8.0 * 3_600.0 * 0.8));
        assert_eq!(next(10, failed, 0), Next::Failed);
        assert_eq!(next(1, Some(StatusCode::GONE), 0), Next::Failed);
        assert_eq!(next(1, Some(StatusCode::FOUND), 0), again(4.0));
        assert_eq!(next(10, Some(StatusCode::NO_CONTENT), 0), Next::Delivered);
    }
}
