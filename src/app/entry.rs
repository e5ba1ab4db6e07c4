//! What of an app a job calls: its `execute`, a task, or a hook.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Declares the hooks with their names, which manifests, listings and apps use.
macro_rules! hooks {
    ($($(#[$doc:meta])* $hook:ident = $name:literal,)+) => {
        /// What an app can be told of its own life.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub(crate) enum Hook {
            $($(#[$doc])* #[serde(rename = $name)] $hook,)+
        }

        impl Hook {
            pub(crate) const ALL: &[Self] = &[$(Self::$hook,)+];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$hook => $name,)+
                }
            }
        }
    };
}

hooks! {
    /// A release is active for the first time.
    Install = "on_install",
    /// Another release is active than before, an older one too.
    Upgrade = "on_upgrade",
    Enable = "on_enable",
    Disable = "on_disable",
    /// The app is about to be deleted. It runs at once, before anything is taken away.
    Uninstall = "on_uninstall",
    CredentialsSaved = "on_credentials_saved",
    SettingsSaved = "on_settings_saved",
    /// The task `sync` has been completed for the first time.
    FirstRunSuccess = "on_first_run_success",
}

impl fmt::Display for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// What of an app a job calls. As text it is `execute`, `task NAME` or `hook NAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum JobEntry {
    #[default]
    Execute,
    /// One of the tasks that the manifest declares.
    Task(String),
    Hook(Hook),
}

/// A text that names no entry.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no entry of a job: it is `execute`, `task NAME` or `hook NAME`")]
pub(crate) struct UnknownEntry(String);

impl JobEntry {
    pub(crate) fn is_hook(&self) -> bool {
        matches!(self, Self::Hook(_))
    }
}

impl fmt::Display for JobEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Execute => formatter.write_str("execute"),
            Self::Task(name) => write!(formatter, "task {name}"),
            Self::Hook(hook) => write!(formatter, "hook {hook}"),
        }
    }
}

impl FromStr for JobEntry {
    type Err = UnknownEntry;

    fn from_str(text: &str) -> Result<Self, UnknownEntry> {
        let unknown = || UnknownEntry(text.chars().take(64).collect());
        if text == "execute" {
            return Ok(Self::Execute);
        }
        match text.split_once(' ') {
            Some(("task", name)) if !name.is_empty() => Ok(Self::Task(name.to_owned())),
            Some(("hook", name)) => Hook::ALL
                .iter()
                .find(|hook| hook.name() == name)
                .map(|hook| Self::Hook(*hook))
                .ok_or_else(unknown),
            Some(_) | None => Err(unknown()),
        }
    }
}

/// What a hook answered, before anybody believes it.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default = "yes")]
    ok: bool,
    #[serde(default)]
    message: Option<String>,
}

fn yes() -> bool {
    true
}

/// Why a hook's answer is not that all went well.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotWell {
    /// In the app's own words.
    Said(String),
    /// It is not JSON of the right shape.
    Malformed,
}

/// Reads what a hook answered: `null`, or an object with `ok`, `message` and `data`, of which
/// each may be left out.
pub(crate) fn read_hook(answer: &str) -> Result<(), NotWell> {
    let answer = serde_json::from_str(answer).map_err(|_| NotWell::Malformed)?;
    // A list would do for the struct too, as its fields in their order.
    if let Value::Array(_) = answer {
        return Err(NotWell::Malformed);
    }
    let answer: Option<Answer> = serde_json::from_value(answer).map_err(|_| NotWell::Malformed)?;
    match answer {
        Some(Answer { ok: false, message }) => {
            Err(NotWell::Said(message.unwrap_or_else(|| {
                "the hook did not succeed, and says no more".to_owned()
            })))
        }
        Some(Answer { ok: true, .. }) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_from_its_text() {
        let hooks = Hook::ALL.iter().map(|hook| JobEntry::Hook(*hook));
        let others = [JobEntry::Execute, JobEntry::Task("sync".to_owned())];

        for entry in hooks.chain(others) {
            assert_eq!(entry.to_string().parse(), Ok(entry));
        }
        for text in ["", "hook", "hook on_fire", "task", "task ", "run sync"] {
            assert!(text.parse::<JobEntry>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_hook_has_gone_well_unless_it_says_otherwise() {
        for answer in ["null", "{}", r#"{"ok":true,"message":"x","data":[1]}"#] {
            assert_eq!(read_hook(answer), Ok(()), "{answer}");
        }
        assert_eq!(
            read_hook(r#"{"ok":false,"message":"no table"}"#),
            Err(NotWell::Said("no table".to_owned()))
        );
        assert!(matches!(
            read_hook(r#"{"ok":false}"#),
            Err(NotWell::Said(_))
        ));
        for answer in ["", "1", "[]", r#"{"ok":"yes"}"#] {
            assert_eq!(read_hook(answer), Err(NotWell::Malformed), "{answer}");
        }
    }
}
