//! Who a request is from, and what that person may do.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::permission::{self, CALL};
use crate::audit::Actor;
use crate::ids::{SessionId, TokenId, UserId};

/// Who a request is from, as far as a credential proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) user: UserId,
    pub(crate) username: String,
    pub(crate) roles: BTreeSet<String>,
    /// What the roles add up to. Ask [`Identity::may`]: a token narrows it.
    pub(crate) permissions: BTreeSet<String>,
    pub(crate) via: Via,
    /// Never, if not set.
    pub(crate) expires_at: Option<OffsetDateTime>,
}

/// Which kind of credential proved it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Via {
    Session(SessionId),
    /// An API token with its scopes: permissions that it passes on, if its user has them.
    Token(TokenId, BTreeSet<String>),
}

/// The permission that is missing. The text is the NodeRouter contract's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("insufficient permissions: {0} required")]
pub(crate) struct Refused(pub(crate) String);

impl Identity {
    /// Decides whether this request may do what needs `permission`.
    pub(crate) fn may(&self, permission: &str) -> bool {
        // What calling an app takes beyond being a user is for the app to say.
        let user = permission == CALL || permission::gives(&self.permissions, permission);
        let credential = match &self.via {
            Via::Session(_) => true,
            Via::Token(_, scopes) => permission::gives(scopes, permission),
        };
        user && credential
    }

    pub(crate) fn require(&self, permission: &str) -> Result<(), Refused> {
        if self.may(permission) {
            Ok(())
        } else {
            Err(Refused(permission.to_owned()))
        }
    }

    /// Requires everything that somebody else has, or is about to be given: nobody
    /// hands out, takes away or takes over more than they have themselves.
    pub(crate) fn require_all<T: AsRef<str>>(&self, permissions: &[T]) -> Result<(), Refused> {
        permissions
            .iter()
            .try_for_each(|permission| self.require(permission.as_ref()))
    }

    /// Decides whether this request may make, or end, an API token of these scopes for
    /// its own user.
    ///
    /// A session may for every scope: a token never gives more than its user has.
    pub(crate) fn require_scopes<T: AsRef<str>>(&self, scopes: &[T]) -> Result<(), Refused> {
        match &self.via {
            Via::Session(_) => Ok(()),
            Via::Token(_, own) => scopes.iter().map(AsRef::as_ref).try_for_each(|scope| {
                if permission::gives(own, scope) {
                    Ok(())
                } else {
                    Err(Refused(scope.to_owned()))
                }
            }),
        }
    }

    /// Who the audit log names.
    pub(crate) fn actor(&self) -> Actor {
        let token = match &self.via {
            Via::Session(_) => None,
            Via::Token(id, _) => Some(*id),
        };
        Actor::user(&self.username, token)
    }

    /// The session, unless an API token proved the identity.
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.via {
            Via::Session(id) => Some(id),
            Via::Token(..) => None,
        }
    }

    pub(crate) fn has_expired(&self, now: OffsetDateTime) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }
}

/// The longest username or role name, in characters.
const MAX_LENGTH: usize = 64;

/// A well-formed username. Two that differ in case only are the same user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Username(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid username `{0}`: use 1 to 64 of a-z, A-Z, 0-9, `.`, `_`, `@` and `-`, beginning with \
     a letter or digit"
)]
pub(crate) struct InvalidUsername(String);

/// A well-formed name of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct RoleName(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid role name `{0}`: use 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`, beginning with a \
     letter or digit"
)]
pub(crate) struct InvalidRoleName(String);

fn is_name(text: &str, marks: &[u8]) -> bool {
    text.len() <= MAX_LENGTH
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || marks.contains(&byte))
}

macro_rules! names {
    ($($name:ident, $error:ident, $marks:literal;)+) => {$(
        impl $name {
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                if is_name(text, $marks) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err($error(text.chars().take(MAX_LENGTH).collect()))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    )+};
}

names! {
    Username, InvalidUsername, b"._@-";
    RoleName, InvalidRoleName, b"._-";
}

#[cfg(test)]
mod tests;
