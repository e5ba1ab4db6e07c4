//! Which settings an app may read and change, and to which values.

use std::sync::Arc;

use serde_json::Value;

use crate::app::Setting;
use crate::app::setting::Unfit;

/// How often one call may read settings, and change them.
pub(crate) const MAX_READS: u32 = 10_000;
pub(crate) const MAX_CHANGES: u32 = 1_000;

/// How much of a key that an app made up is shown, in characters.
const MAX_KEY: usize = 64;

/// What one release declares, fixed when it is made ready.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct SettingsGrant(Arc<[Setting]>);

/// Why a setting is not read or changed. Each case is the app author's to fix.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the manifest declares no setting `{0}`")]
    Undeclared(String),
    #[error("the value is not JSON text")]
    NotJson,
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("the call read settings more than {MAX_READS} times: keep the values in variables")]
    TooManyReads,
    #[error("the call changed settings more than {MAX_CHANGES} times")]
    TooManyChanges,
}

/// How often a call has used its settings.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    reads: u32,
    changes: u32,
}

impl Uses {
    /// Counts a read.
    pub(crate) fn read(&mut self) -> Result<(), Refused> {
        self.reads = self.reads.saturating_add(1);
        if self.reads > MAX_READS {
            return Err(Refused::TooManyReads);
        }
        Ok(())
    }

    /// Counts a change.
    pub(crate) fn change(&mut self) -> Result<(), Refused> {
        self.changes = self.changes.saturating_add(1);
        if self.changes > MAX_CHANGES {
            return Err(Refused::TooManyChanges);
        }
        Ok(())
    }
}

impl SettingsGrant {
    pub(crate) fn new(declared: &[Setting]) -> Self {
        Self(declared.into())
    }

    pub(crate) fn all(&self) -> &[Setting] {
        &self.0
    }

    /// The declaration of a key.
    pub(crate) fn declared(&self, key: &str) -> Result<&Setting, Refused> {
        let found = self.0.iter().find(|setting| setting.key == key);
        found.ok_or_else(|| Refused::Undeclared(key.chars().take(MAX_KEY).collect()))
    }

    /// Decides whether a key may be set to a value, given as JSON text.
    pub(crate) fn admit(&self, key: &str, text: &str) -> Result<Value, Refused> {
        let setting = self.declared(key)?;
        let value = serde_json::from_str(text).map_err(|_| Refused::NotJson)?;
        setting.admit(&value)?;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::app::setting::Kind;

    fn grant() -> SettingsGrant {
        SettingsGrant::new(&[Setting {
            key: "fast".to_owned(),
            label: String::new(),
            description: String::new(),
            kind: Kind::Toggle,
            default: None,
            required: false,
        }])
    }

    #[test]
    fn a_declared_key_takes_what_fits() {
        assert_eq!(grant().admit("fast", "false"), Ok(json!(false)));
        assert!(matches!(grant().admit("fast", "0"), Err(Refused::Unfit(_))));
        assert_eq!(grant().admit("fast", "no"), Err(Refused::NotJson));
    }

    #[test]
    fn another_key_is_refused() {
        let refused = Refused::Undeclared("slow".to_owned());
        assert_eq!(grant().admit("slow", "true"), Err(refused));
    }

    #[test]
    fn a_call_that_asks_without_end_is_refused() {
        let mut uses = Uses {
            reads: MAX_READS - 1,
            changes: MAX_CHANGES - 1,
        };
        assert_eq!((uses.read(), uses.change()), (Ok(()), Ok(())));
        assert_eq!(uses.read(), Err(Refused::TooManyReads));
        assert_eq!(uses.change(), Err(Refused::TooManyChanges));
    }
}
