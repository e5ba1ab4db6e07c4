//! Which credentials an app may read, and how often.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The largest credential, in bytes: service-account files and bundles of certificates fit.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// How often one call may read, names together.
pub(crate) const MAX_READS: u32 = 1_000;

/// How much of a name that an app made up is recorded, in characters.
const MAX_NAME: usize = 64;

/// The names that one release may read: those that it declares and was granted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CredentialsGrant(Arc<BTreeSet<String>>);

/// Why a credential may not be read. Each case is the app author's to fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the manifest declares no credential `{0}`, or it was withdrawn")]
    Undeclared(String),
    #[error("the call read credentials more than {MAX_READS} times: keep the value in a variable")]
    TooOften,
}

impl FromIterator<String> for CredentialsGrant {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }
}

impl CredentialsGrant {
    /// Decides whether a credential may be read, as the `reads`-th read of the call.
    pub(crate) fn admit(&self, name: &str, reads: u32) -> Result<(), Refused> {
        if reads > MAX_READS {
            Err(Refused::TooOften)
        } else if self.0.contains(name) {
            Ok(())
        } else {
            Err(Refused::Undeclared(recorded(name)))
        }
    }
}

/// As much of a name as is recorded and shown.
pub(crate) fn recorded(name: &str) -> String {
    let visible = |letter: &char| !letter.is_control();
    name.chars().filter(visible).take(MAX_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> CredentialsGrant {
        ["erp".to_owned()].into_iter().collect()
    }

    #[test]
    fn a_declared_name_may_be_read() {
        assert_eq!(grant().admit("erp", 1), Ok(()));
        assert_eq!(grant().admit("erp", MAX_READS), Ok(()));
    }

    #[test]
    fn any_other_name_is_refused_and_told_without_what_is_no_text() {
        for name in ["", "ERP", "erp ", "other"] {
            let refused = Refused::Undeclared(name.to_owned());
            assert_eq!(grant().admit(name, 1), Err(refused));
        }
        let name = format!("a\0\n{}", "b".repeat(100));
        let refused = Refused::Undeclared(format!("a{}", "b".repeat(63)));
        assert_eq!(grant().admit(&name, 1), Err(refused));
    }

    #[test]
    fn reading_without_end_is_refused() {
        assert_eq!(grant().admit("erp", MAX_READS + 1), Err(Refused::TooOften));
    }
}
