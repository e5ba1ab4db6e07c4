//! The address of the client that sent a request.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::http::error::ApiError;
use crate::services::Services;

/// A client's address: the socket's, or what the operator's proxy says, if there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl FromRequestParts<Services> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, ApiError> {
        let ConnectInfo(socket) = ConnectInfo::<SocketAddr>::from_request_parts(parts, services)
            .await
            .map_err(|error| ApiError::Internal(error.into()))?;
        let forwarded = services
            .config
            .trust_forwarded_for
            .then(|| last_forwarded_for(&parts.headers))
            .flatten();
        Ok(Self(forwarded.unwrap_or(socket.ip())))
    }
}

/// The entry that the nearest proxy added; those before it anybody may have written.
fn last_forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let entry = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?
        .rsplit(',')
        .next()?
        .trim();
    entry
        .parse()
        .ok()
        .or_else(|| entry.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_nearest_proxys_entry_counts() {
        for (lines, address) in [
            (&["10.0.0.1"][..], Some("10.0.0.1")),
            (&["6.6.6.6, 10.0.0.1"], Some("10.0.0.1")),
            (&["6.6.6.6", "10.0.0.1"], Some("10.0.0.1")),
            (&["10.0.0.1:4711"], Some("10.0.0.1")),
            (&["2001:db8::1"], Some("2001:db8::1")),
            (&["10.0.0.1, unknown"], None),
            (&[""], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            assert_eq!(
                last_forwarded_for(&headers),
                address.map(|text| text.parse().unwrap()),
                "{lines:?}"
            );
        }
    }
}
