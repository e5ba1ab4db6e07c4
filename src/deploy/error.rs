//! Why a deploy failed, in words for who deployed.

use super::Plan;
use super::lint::told;
use crate::app::{BundleError, DescriptionError};
use crate::build::{BuildError, BuilderMissing};
use crate::cell::{CallError, NotAnApp};
use crate::check::Problem;
use crate::ids::AppName;
use crate::postgres::{PoolError, RolesError};

/// Why a deploy failed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeployError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Description(#[from] DescriptionError),
    /// What was found in the sources and the manifest: errors only, at least one.
    #[error("the app would break, or break others:\n{}", told(.0))]
    Check(Vec<Problem>),
    #[error(transparent)]
    Build(#[from] BuildError),
    #[error("{0}")]
    Compile(String),
    #[error(
        "the manifest has `{key}`, and the component exports no `{export}` to run them with: \
         export it, or remove the key"
    )]
    NoExport {
        key: &'static str,
        export: &'static str,
    },
    #[error(transparent)]
    World(#[from] NotAnApp),
    /// One of the manifest's `tables`, counted from 1 as people do.
    #[error("statement {number} of `tables` in manifest.json failed: {text}")]
    Tables { number: usize, text: String },
    /// Statements that the manifest names, and why each cannot be run.
    #[error("manifest.json: {}", .0.join("; "))]
    Actions(Vec<String>),
    #[error("loading the app failed: {}", describe(.0))]
    Load(#[source] CallError),
    /// What an app may have is tables, with their sequences, indexes, views and types.
    #[error("the app made the {kind} `{name}`, which apps may not: {why}")]
    Object {
        kind: String,
        name: String,
        why: &'static str,
    },
    /// `owner` says who has the table, with its kind.
    #[error(
        "the table `{table}` belongs to {owner}, so that the app `{app}` cannot create it: rename \
         it, or put it into the app's own schema"
    )]
    NameTaken {
        app: AppName,
        owner: String,
        table: String,
    },
    #[error(
        "the manifest names the table `{schema}.{table}`, which belongs to no app that is \
         installed: an app can be granted tables of other apps only"
    )]
    NoApps { schema: String, table: String },
    /// Something has changed since somebody looked.
    #[error(
        "the plan is not the one that was accepted: look at it again and accept {}",
        .0.digest
    )]
    OtherPlan(Box<Plan>),
    #[error("the app `{0}` is being changed by somebody else: try again when that is done")]
    Busy(AppName),
    #[error(transparent)]
    Roles(#[from] RolesError),
    /// Ours.
    #[error("internal error")]
    Internal(#[source] anyhow::Error),
}

impl From<BuilderMissing> for DeployError {
    fn from(error: BuilderMissing) -> Self {
        Self::Build(error.into())
    }
}

impl From<sqlx::Error> for DeployError {
    fn from(error: sqlx::Error) -> Self {
        Self::Internal(error.into())
    }
}

impl From<PoolError> for DeployError {
    fn from(error: PoolError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<tokio_postgres::Error> for DeployError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Internal(error.into())
    }
}

/// The deployer is the app's author or works with them, so the trace is theirs to read.
fn describe(error: &CallError) -> String {
    match error {
        CallError::App {
            name,
            message,
            trace,
        } => {
            let trace = trace.as_deref().unwrap_or_default().trim_end();
            let gap = if trace.is_empty() { "" } else { "\n" };
            format!("{name}: {message}{gap}{trace}")
        }
        CallError::TimedOut(_)
        | CallError::OutOfMemory(_)
        | CallError::OutOfFuel(_)
        | CallError::AnswerTooLarge
        | CallError::Crashed(_)
        | CallError::Stopped
        | CallError::NotWell { .. }
        | CallError::Busy(_)
        | CallError::Internal(_) => error.to_string(),
    }
}
