//! How often somebody may fail to log in.
//!
//! Counted per username, against guessing one person's password, and per client address,
//! against trying one password on many people. The rows are in `store::login_failures`.

use std::net::IpAddr;

use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::store::login_failures::{Count, Counts};

/// How long failures count, from the first of them.
pub(crate) const WINDOW: Duration = Duration::minutes(15);
pub(crate) const USERNAME_LIMIT: i32 = 5;
pub(crate) const ADDRESS_LIMIT: i32 = 20;

/// Too many failures: how many seconds until the next attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled(pub(crate) u64);

/// Decides whether an attempt, already counted, may be made.
pub(crate) fn admit(counts: &Counts, now: OffsetDateTime) -> Result<(), Throttled> {
    let address = refused_for(counts.address, ADDRESS_LIMIT, now);
    let username = counts
        .username
        .and_then(|count| refused_for(count, USERNAME_LIMIT, now));
    match address.max(username) {
        None => Ok(()),
        Some(seconds) => Err(Throttled(seconds)),
    }
}

fn refused_for(count: Count, limit: i32, now: OffsetDateTime) -> Option<u64> {
    let left = (count.since + WINDOW - now).whole_seconds().max(1);
    (count.failures > limit).then_some(left.unsigned_abs())
}

/// The subject of a username, however it is written and whether or not it exists.
pub(crate) fn username(username: &str) -> [u8; 32] {
    subject("username", &username.to_ascii_lowercase())
}

/// The subject of a client's address. In IPv6 that is its network: whoever has one
/// address there has 2⁶⁴.
pub(crate) fn address(address: IpAddr) -> [u8; 32] {
    let network = match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64;
            format!("{network:x}/64")
        }
    };
    subject("address", &network)
}

fn subject(kind: &str, name: &str) -> [u8; 32] {
    Sha256::new()
        .chain_update(kind)
        .chain_update([0])
        .chain_update(name)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests;
