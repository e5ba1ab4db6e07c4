//! Names and ids, each a type of its own so that none is taken for another.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of an app: its slug, its part of the URL and its identity.
///
/// 1 to 64 of `a-z A-Z 0-9 _ -`, beginning with a letter or digit, and not with `pg_`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, sqlx::Type)]
#[sqlx(transparent)]
#[serde(transparent)]
pub(crate) struct AppName(String);

/// Why a text is not an [`AppName`]. The text is the NodeRouter contract's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid app name '{0}': must start with alphanumeric and contain only [a-zA-Z0-9_-] (max 64 chars)"
)]
pub(crate) struct InvalidAppName(pub(crate) String);

impl AppName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppName {
    type Err = InvalidAppName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = text.bytes();
        let first = bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        // PostgreSQL keeps names that begin with `pg_` for itself.
        let reserved = text.len() >= 3 && text.as_bytes().starts_with(b"pg_");

        if first && rest && !reserved && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidAppName(text.chars().take(128).collect()))
        }
    }
}

impl fmt::Display for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for AppName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AppName({})", self.0)
    }
}

impl<'de> Deserialize<'de> for AppName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
        #[sqlx(transparent)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

uuid_ids! {
    /// One release of an app.
    ReleaseId;
    /// One call into a cell; also the request id of the HTTP request behind it.
    CallId;
    /// Work that was queued; the `job_id` of the NodeRouter contract.
    JobId;
    /// A user.
    UserId;
    /// A login that has not ended yet.
    SessionId;
    /// An API token.
    TokenId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_name_is_a_slug_of_at_most_64_characters() {
        for good in ["a", "9", "app_x", "Sales-Report", &"a".repeat(64)] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            "_a",
            "a b",
            "a/b",
            "ä",
            "a\n",
            "pg_x",
            &"a".repeat(65),
        ] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }
}
