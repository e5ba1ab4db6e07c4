//! What a rule is: its id, how grave it is to break it, why, and how to mend it.
//!
//! The rules themselves are listed in [`super::rules`]; `docs/authors.md` has the same list.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rules;

/// How grave a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// It refuses a deploy: the app would break, or break others.
    Error,
    /// The author should mend it; the app runs.
    Warning,
    /// Good to know.
    Info,
}

/// One rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// `NR-` for rules of the NodeRouter contract, `SK-` for Skep's own.
    pub(crate) id: &'static str,
    /// Of most of its problems; one may be less grave, never graver.
    pub(crate) severity: Severity,
    /// What is found, as a heading.
    pub(crate) title: &'static str,
    pub(crate) why: &'static str,
    /// How to mend it.
    pub(crate) fix: &'static str,
}

impl Rule {
    /// The rule of an id.
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        rules::all().find(|rule| rule.id == id)
    }

    /// As its id alone.
    pub(super) fn serialize<S: Serializer>(rule: &&'static Self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(rule.id)
    }

    /// From its id.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<&'static Self, D::Error> {
        let id = String::deserialize(from)?;
        Self::find(&id).ok_or_else(|| serde::de::Error::custom(format!("there is no rule {id:?}")))
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}
