//! Which requests an app may send, to which addresses, and how much in one call.
//!
//! Plain values in, a decision out: names are looked up and connections made elsewhere.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderName, Method};
use url::Host;

use super::address::Reach;
use crate::app::manifest::Egress;
use crate::app::{Origin, OriginError};

/// Requests in one call, those that are refused included.
pub(crate) const REQUESTS: u32 = 100;
/// Requests of one call that are open at once. One is open until its answer has been read or
/// dropped.
pub(crate) const OPEN: usize = 8;
/// Bytes that one call may send, heads included.
pub(crate) const SENT_BYTES: u64 = 16 * MIB;
/// Bytes that one call may receive, heads included.
pub(crate) const RECEIVED_BYTES: u64 = 16 * MIB;
/// The headers of one request, as the host keeps them.
pub(crate) const REQUEST_HEADER_BYTES: usize = 64 * 1024;
/// The status line and headers of one answer.
pub(crate) const ANSWER_HEAD_BYTES: usize = 64 * 1024;
/// Header lines of one answer.
pub(crate) const ANSWER_HEADERS: usize = 256;
/// How long a look-up of a name may take.
pub(crate) const LOOKUP: Duration = Duration::from_secs(5);
/// How long it may take to be connected, TLS included.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);

const MIB: u64 = 1024 * 1024;

/// Why a request is not sent. The text names the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    // Without the address: it may hold a password.
    #[error("the request has no proper address: {0}")]
    Address(#[from] OriginError),
    #[error("the method {0} is not supported")]
    Method(Method),
    #[error("`{0}` is not granted to the app: ask for it in `needs.egress` of manifest.json")]
    NotGranted(Origin),
    #[error(
        "`{0}` stands for an address in a private network: ask for it in `needs.egress` of \
         manifest.json as {{\"origin\": \"{0}\", \"private\": true}}"
    )]
    Private(Origin),
    #[error(
        "`{origin}` stands for an address {reach}, where no name may lead: name the address \
         itself in `needs.egress` of manifest.json"
    )]
    Near { origin: Origin, reach: Reach },
    #[error("`{origin}` stands for an address {reach}, where no request is sent")]
    Nowhere { origin: Origin, reach: Reach },
}

/// Decides whether a request may be sent at all; what comes back is the grant that says so.
///
/// # Errors
///
/// When the method makes a tunnel, the address is not a plain one, or nobody granted it.
pub(crate) fn admit<'a>(
    granted: &'a [Egress],
    method: &Method,
    scheme: &str,
    authority: &str,
) -> Result<&'a Egress, Refused> {
    if method == Method::CONNECT {
        return Err(Refused::Method(method.clone()));
    }
    let origin: Origin = format!("{scheme}://{authority}").parse()?;
    granted
        .iter()
        .find(|rule| rule.origin == origin)
        .ok_or(Refused::NotGranted(origin))
}

/// Decides whether a connection to an origin may go to the addresses that it stands for.
///
/// One bad address spoils all: a name that leads both outside and inside is a mistake or an
/// attempt to come in, and which of its addresses is tried would be left to chance.
///
/// # Errors
///
/// When one of the addresses is none that the grant is for.
pub(crate) fn admit_addresses(rule: &Egress, addresses: &[IpAddr]) -> Result<(), Refused> {
    addresses
        .iter()
        .try_for_each(|address| admit_address(rule, *address))
}

fn admit_address(rule: &Egress, address: IpAddr) -> Result<(), Refused> {
    let origin = || rule.origin.clone();
    // Who grants an address sees what it is; a name can stand for anything tomorrow.
    let named = !matches!(rule.origin.host(), Host::Domain(_));
    match Reach::of(address) {
        Reach::Global => Ok(()),
        Reach::Private if named || rule.private => Ok(()),
        Reach::Private => Err(Refused::Private(origin())),
        Reach::Loopback | Reach::LinkLocal if named => Ok(()),
        reach @ (Reach::Loopback | Reach::LinkLocal) => Err(Refused::Near {
            origin: origin(),
            reach,
        }),
        reach @ (Reach::Unspecified
        | Reach::Multicast
        | Reach::Broadcast
        | Reach::Documentation
        | Reach::Reserved) => Err(Refused::Nowhere {
            origin: origin(),
            reach,
        }),
    }
}

/// Whether a header is the host's alone: it says how a message travels, not what it says.
///
/// An app that set it could make two messages of one, or have the server answer for another
/// host than the one that was checked.
pub(crate) fn is_hosts_own(header: &HeaderName) -> bool {
    let name = header.as_str();
    name.starts_with("proxy-")
        || matches!(
            name,
            "connection"
                | "expect"
                | "host"
                | "http2-settings"
                | "keep-alive"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
        )
}

#[cfg(test)]
mod tests;
