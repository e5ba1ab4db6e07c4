//! What a permission is, and when one gives another.
//!
//! A permission is `resource:verb`, such as `sales:read`; `sales:*` gives every verb of
//! `sales`, and `*` gives everything. Apps name the ones that they need; Skep's own are
//! the constants here.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Gives every permission.
pub(crate) const EVERYTHING: &str = "*";
/// Deploy and manage apps.
pub(crate) const APPS: &str = "skep:apps";
/// Consent to what an app asks for beyond what every app has.
pub(crate) const CONSENT: &str = "skep:consent";
/// Manage users and roles, and the API tokens of others.
pub(crate) const USERS: &str = "skep:users";
/// Set and delete the credentials of apps. It does not let anybody read one.
pub(crate) const CREDENTIALS: &str = "skep:credentials";
/// Read, check and export the audit log.
pub(crate) const AUDIT: &str = "skep:audit";
/// Read what apps have logged.
pub(crate) const LOGS: &str = "skep:logs";
/// Purge what is kept before its time.
pub(crate) const RETENTION: &str = "skep:retention";
/// See everything of the host.
pub(crate) const READ: &str = "skep:read";
/// Read the metrics, as a scraper does.
pub(crate) const METRICS: &str = "skep:metrics";
/// Call apps at all. Every user has it; an API token needs it among its scopes.
pub(crate) const CALL: &str = "apps:call";

const MAX_LENGTH: usize = 128;

/// A well-formed permission.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub(crate) struct Permission(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid permission `{0}`: write `resource:verb` in lower case, such as `sales:read` or \
     `sales:*`, or `*` for everything (at most 128 characters)"
)]
pub(crate) struct InvalidPermission(String);

impl From<Permission> for String {
    fn from(permission: Permission) -> Self {
        permission.0
    }
}

impl AsRef<str> for Permission {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Permission {
    type Err = InvalidPermission;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let well_formed = text == EVERYTHING
            || text.split_once(':').is_some_and(|(resource, verb)| {
                is_word(resource) && (verb == "*" || is_word(verb))
            });

        if well_formed && text.len() <= MAX_LENGTH {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidPermission(text.chars().take(MAX_LENGTH).collect()))
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.' | b'-')
        })
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Decides whether permissions that somebody has give the one that is asked for.
///
/// The asked one may itself be a pattern: only `*` gives `*`.
pub(crate) fn gives(granted: &BTreeSet<String>, asked: &str) -> bool {
    granted.contains(asked) || granted.iter().any(|granted| covers(granted, asked))
}

fn covers(granted: &str, asked: &str) -> bool {
    granted == EVERYTHING
        || granted
            .strip_suffix('*')
            .is_some_and(|resource| resource.ends_with(':') && asked.starts_with(resource))
}

#[cfg(test)]
mod tests;
