//! What is kept and for how long, as the operator sets it. Pure.

use std::fmt;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::Duration;

use crate::limits::{count, few};

/// The section `retention` of the settings. Days are how long something is kept; what is over a
/// size or a number goes before, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Keep {
    pub(crate) calls_days: NonZeroU16,
    /// Of all apps together.
    pub(crate) calls_rows: NonZeroU32,
    pub(crate) logs_days: NonZeroU16,
    /// Of all apps together, in MiB.
    pub(crate) logs_mb: NonZeroU32,
    /// Of each app.
    pub(crate) logs_app_mb: NonZeroU32,
    /// After they have ended.
    pub(crate) jobs_days: NonZeroU16,
    /// Of each app.
    pub(crate) jobs_rows: NonZeroU32,
    /// For those who were away.
    pub(crate) notifications_hours: NonZeroU16,
    /// Of each app.
    pub(crate) notifications_rows: NonZeroU32,
    pub(crate) credential_reads_days: NonZeroU16,
    /// How many of each app, beside the one that serves, the one before it, and one that waits.
    pub(crate) releases: NonZeroU16,
    /// Compiled components that no app serves from, since they were last used.
    pub(crate) images_days: NonZeroU16,
    /// Of all compiled components of a node, in MiB.
    pub(crate) images_mb: NonZeroU32,
}

impl Keep {
    pub(crate) const STANDARD: Self = Self {
        calls_days: few(14),
        calls_rows: count(1_000_000),
        logs_days: few(14),
        logs_mb: count(2_048),
        logs_app_mb: count(256),
        jobs_days: few(30),
        jobs_rows: count(10_000),
        notifications_hours: few(24),
        notifications_rows: count(10_000),
        credential_reads_days: few(90),
        releases: few(10),
        images_days: few(30),
        images_mb: count(8_192),
    };
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// What is kept.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        pub(crate) enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)+
        }

        impl Kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// The log of calls.
    Calls = "calls",
    /// What apps have logged.
    Logs = "logs",
    /// Finished jobs with their history.
    Jobs = "jobs",
    /// Notifications, and what webhooks have sent.
    Notifications = "notifications",
    /// Who read which credential.
    CredentialReads = "credential_reads",
    /// Releases with their bundles and components.
    Releases = "releases",
    /// Compiled components in this node's cache.
    Images = "images",
    /// What builds that were cut have left on this node.
    Work = "work",
    /// The audit log, which `skep audit cut` shortens, and nothing else.
    Audit = "audit",
}

/// A text that names no kind.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{0}` to purge: it is one of {names}", names = names())]
pub(crate) struct UnknownKind(String);

fn names() -> String {
    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    names.join(", ")
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        let found = Self::ALL.iter().find(|kind| kind.name() == text);
        found
            .copied()
            .ok_or_else(|| UnknownKind(text.chars().take(64).collect()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Kind {
    /// Whether it is removed by itself.
    pub(crate) fn is_automatic(self) -> bool {
        match self {
            Self::Audit => false,
            Self::Calls
            | Self::Logs
            | Self::Jobs
            | Self::Notifications
            | Self::CredentialReads
            | Self::Releases
            | Self::Images
            | Self::Work => true,
        }
    }

    /// How long it is kept; none where age alone removes nothing.
    pub(crate) fn age(self, keep: &Keep) -> Option<Duration> {
        let days = |days: NonZeroU16| Some(Duration::days(days.get().into()));
        match self {
            Self::Calls => days(keep.calls_days),
            Self::Logs => days(keep.logs_days),
            Self::Jobs => days(keep.jobs_days),
            Self::Notifications => Some(Duration::hours(keep.notifications_hours.get().into())),
            Self::CredentialReads => days(keep.credential_reads_days),
            Self::Images => days(keep.images_days),
            Self::Work => Some(Duration::HOUR),
            Self::Releases | Self::Audit => None,
        }
    }

    /// What a person reads of its policy.
    pub(crate) fn policy(self, keep: &Keep) -> String {
        match self {
            Self::Calls => format!("{} days; {} calls", keep.calls_days, keep.calls_rows),
            Self::Logs => format!(
                "{} days; {} MiB, {} MiB of each app",
                keep.logs_days, keep.logs_mb, keep.logs_app_mb
            ),
            Self::Jobs => format!(
                "{} days after their end; {} of each app",
                keep.jobs_days, keep.jobs_rows
            ),
            Self::Notifications => format!(
                "{} hours; {} of each app",
                keep.notifications_hours, keep.notifications_rows
            ),
            Self::CredentialReads => format!("{} days", keep.credential_reads_days),
            Self::Releases => format!(
                "of each app the newest {}, the active one and the one before it",
                keep.releases
            ),
            Self::Images => format!(
                "{} days after their last use; {} MiB; those that apps serve from stay",
                keep.images_days, keep.images_mb
            ),
            Self::Work => "1 hour, unless a build works in it".to_owned(),
            Self::Audit => "for ever: see `skep audit cut`".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_known_by_its_name_in_texts_and_in_json() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse(), Ok(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
        assert_eq!(
            "x".parse::<Kind>().unwrap_err().to_string(),
            "there is no `x` to purge: it is one of calls, logs, jobs, notifications, \
             credential_reads, releases, images, work, audit"
        );
    }

    #[test]
    fn a_policy_says_its_numbers() {
        let keep = Keep::STANDARD;
        assert_eq!(Kind::Calls.policy(&keep), "14 days; 1000000 calls");
        assert_eq!(
            Kind::Logs.policy(&keep),
            "14 days; 2048 MiB, 256 MiB of each app"
        );
        assert_eq!(Kind::Images.age(&keep), Some(Duration::days(30)));
        assert_eq!(Kind::Audit.age(&keep), None);
        let automatic = Kind::ALL.iter().filter(|kind| kind.is_automatic());
        assert_eq!(automatic.count(), Kind::ALL.len() - 1);
    }
}
