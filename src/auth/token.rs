//! API tokens: what programs log in with.
//!
//! A token is 32 random bytes behind a prefix that secret scanners can find. It is shown
//! once; we keep its SHA-256. With that much entropy a slow hash would add nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use crate::services::Entropy;

const PREFIX: &str = "skep_";
const DEFAULT_DAYS: u16 = 90;
const MAX_DAYS: u16 = 366;
const MAX_NAME_LENGTH: usize = 100;
const MAX_SCOPES: usize = 64;

/// What stands for a credential wherever the credential itself must not be kept.
pub(crate) type Digest = [u8; 32];

pub(crate) fn digest(credential: &str) -> Digest {
    Sha256::digest(credential).into()
}

/// Makes a new token.
pub(crate) fn generate(entropy: &Entropy) -> SecretString {
    let random = URL_SAFE_NO_PAD.encode(entropy.bytes::<32>());
    format!("{PREFIX}{random}").into()
}

/// Tells an API token from a session's.
pub(crate) fn is_token(credential: &str) -> bool {
    credential.starts_with(PREFIX)
}

/// How long a new token is to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    Default,
    Days(u16),
    /// Until somebody revokes it.
    Unlimited,
}

/// Why a token is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a token lasts 1 to {MAX_DAYS} days, or has `never_expires` set")]
    Days,
    #[error(
        "a token's name has 1 to {MAX_NAME_LENGTH} characters, none of them a control character"
    )]
    Name,
    #[error(
        "a token needs 1 to {MAX_SCOPES} scopes: permissions such as `sales:read`, `apps:call` to \
         call apps, or `*` for all that its user may"
    )]
    Scopes,
    #[error(
        "a token cannot make one that outlives it: log in with a password, or ask for less time"
    )]
    OutlivesMaker,
}

/// Decides when a token ends that is made now, by a caller who may itself end.
pub(crate) fn end(
    lifetime: Lifetime,
    now: OffsetDateTime,
    maker_ends: Option<OffsetDateTime>,
) -> Result<Option<OffsetDateTime>, Refused> {
    let end = match lifetime {
        Lifetime::Default => Some(now + Duration::days(DEFAULT_DAYS.into())),
        Lifetime::Days(days @ 1..=MAX_DAYS) => Some(now + Duration::days(days.into())),
        Lifetime::Days(_) => return Err(Refused::Days),
        Lifetime::Unlimited => None,
    };
    match (end, maker_ends) {
        (None, Some(_)) => Err(Refused::OutlivesMaker),
        (Some(end), Some(maker_ends)) if end > maker_ends => Err(Refused::OutlivesMaker),
        (end, _) => Ok(end),
    }
}

/// Decides whether a token may have this name and so many scopes.
pub(crate) fn admit(name: &str, scopes: usize) -> Result<(), Refused> {
    let characters = name.chars().count();
    if !(1..=MAX_NAME_LENGTH).contains(&characters) || name.chars().any(char::is_control) {
        Err(Refused::Name)
    } else if !(1..=MAX_SCOPES).contains(&scopes) {
        Err(Refused::Scopes)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
