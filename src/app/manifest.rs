//! The manifest of an app, as Skep keeps it with a release.
//!
//! Each dialect has its own reader below; what they yield is the same.

pub(crate) mod error;
mod fields;
mod json;
pub(crate) mod noderouter;

pub(crate) use error::ManifestError;

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Hook, Origin, Schedule, Setting};
use crate::ids::AppName;

/// What an app says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) app_name: AppName,
    /// Recorded and shown; a release may have any version, an older one too.
    pub(crate) version: Version,
    pub(crate) display_name: String,
    /// Plain text.
    pub(crate) description: String,
    /// The permission that a caller needs; without one, being logged in is enough.
    pub(crate) required_permission: Option<String>,
    /// The notifications that users can subscribe to.
    pub(crate) notifications: Vec<Notification>,
    /// The SQL that the app may run by name.
    pub(crate) statements: Vec<NamedStatement>,
    /// SQL that runs in order at each deploy.
    pub(crate) tables: Vec<String>,
    pub(crate) instances: Instances,
    pub(crate) limits: Wishes,
    #[serde(default)]
    pub(crate) jobs: JobWishes,
    /// What is called when something happens to the app: the names of functions.
    #[serde(default)]
    pub(crate) hooks: BTreeMap<Hook, String>,
    /// Work that jobs call by its name.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, Task>,
    /// What it asks for beyond what every app has.
    #[serde(default)]
    pub(crate) needs: Needs,
    /// What operators and the app itself may set.
    #[serde(default)]
    pub(crate) settings: Vec<Setting>,
    /// What it has done again and again.
    #[serde(default)]
    pub(crate) schedules: Vec<Schedule>,
}

impl Manifest {
    /// The tables that the manifest names, by schema and name, whoever owns them: those of
    /// `needs` and of every action together. Writing includes reading.
    pub(crate) fn footprint(&self) -> BTreeMap<(&str, &str), Access> {
        let notifications = self.notifications.iter().flat_map(|action| &action.tables);
        let statements = self.statements.iter().flat_map(|action| &action.tables);
        let mut footprint = BTreeMap::new();
        for entry in self
            .needs
            .tables
            .iter()
            .chain(notifications)
            .chain(statements)
        {
            let access: &mut Access = footprint
                .entry((entry.schema.as_str(), entry.table.as_str()))
                .or_insert(entry.access);
            *access = (*access).max(entry.access);
        }
        footprint
    }
}

/// What an app asks for beyond what every app has. It gets it by consent only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Needs {
    /// Tables of other apps.
    pub(crate) tables: Vec<TableAccess>,
    /// Where it sends HTTP requests.
    pub(crate) egress: Vec<Egress>,
    /// Secrets that an operator keeps for it.
    #[serde(default)]
    pub(crate) credentials: Vec<Credential>,
}

/// A secret that an app uses by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Credential {
    pub(crate) name: String,
    /// What it is for, as plain text.
    pub(crate) description: String,
}

impl Credential {
    /// Whether a text can be the name of a credential.
    pub(crate) fn is_name(text: &str) -> bool {
        noderouter::is_slug(text)
    }
}

/// One place in the network that an app sends requests to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Egress {
    pub(crate) origin: Origin,
    /// Whether the host's name may stand for an address of a private network. Addresses of
    /// this machine and of its own link must be named as such in the origin.
    pub(crate) private: bool,
}

/// A notification that an app declares and fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notification {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    /// The permission that a subscriber needs, whatever the app itself requires.
    pub(crate) required_permission: Option<String>,
    /// The tables that the action is said to touch.
    pub(crate) tables: Vec<TableAccess>,
}

/// One entry of an action's declared data footprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableAccess {
    pub(crate) schema: String,
    pub(crate) table: String,
    pub(crate) access: Access,
}

/// What an app does with a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Access {
    Read,
    /// Reading too.
    Write,
}

/// One statement that an app may run by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NamedStatement {
    pub(crate) name: String,
    pub(crate) kind: StatementKind,
    pub(crate) sql: String,
    /// `$1..$N` in order; `None` if the manifest has no list, so that values can only be
    /// passed by position.
    pub(crate) params: Option<Vec<Param>>,
    /// The tables that the statement is said to touch.
    #[serde(default)]
    pub(crate) tables: Vec<TableAccess>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StatementKind {
    Query,
    Mutation,
}

/// One parameter of a named statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) kind: ParamKind,
    pub(crate) nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ParamKind {
    Text,
    Integer,
    Numeric,
    Boolean,
    Uuid,
}

/// How long a cell lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Instances {
    /// For one call.
    #[default]
    Fresh,
    /// For many calls, one after the other.
    Reused,
}

/// The budget that an app wishes for; the operator's ceilings hold whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Wishes {
    pub(crate) wall_ms: Option<NonZeroU32>,
    pub(crate) memory_mb: Option<NonZeroU32>,
    /// Calls of the app at the same time.
    pub(crate) concurrency: Option<NonZeroU32>,
    /// Millions of instructions, where they are counted.
    #[serde(default)]
    pub(crate) fuel: Option<NonZeroU32>,
    #[serde(default)]
    pub(crate) statements: Option<NonZeroU32>,
    /// Of one result.
    #[serde(default)]
    pub(crate) rows: Option<NonZeroU32>,
    /// Of one result.
    #[serde(default)]
    pub(crate) result_mb: Option<NonZeroU32>,
}

/// A function that jobs call by the task's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) run: String,
    /// How many seconds one attempt may run; as any job of the app if not said.
    pub(crate) timeout: Option<NonZeroU32>,
}

/// What an app says of its jobs; the ceilings hold whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct JobWishes {
    /// How long one attempt may run.
    pub(crate) wall_ms: Option<NonZeroU32>,
    /// Jobs of the app that run at the same time, over all nodes.
    pub(crate) concurrency: Option<NonZeroU32>,
    /// Tries at one job altogether, those included that a crash has cut.
    pub(crate) attempts: Option<NonZeroU32>,
    /// How often a job is tried again that the app itself has failed.
    pub(crate) retries: Option<NonZeroU32>,
    /// What the app waits before the first of these; each next one waits twice as long.
    pub(crate) backoff_ms: Option<NonZeroU32>,
}
