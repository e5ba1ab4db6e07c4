//! The statements that a manifest names, judged by the tables that the app has and is granted.

use tokio_postgres::Client;

use super::{Candidate, DeployError, Deployer};
use crate::app::manifest::NamedStatement;
use crate::app::{Manifest, statement};
use crate::sql::{Code, Place, Refusal, Scope, Table, Verdict};

/// More are not told in one message.
const MAX_PROBLEMS: usize = 20;

impl Deployer {
    /// Judges them in the deploy's transaction, when all that the release makes is there. What
    /// is wrong with one by its text alone has refused the deploy before.
    pub(super) async fn check_actions(
        &self,
        client: &Client,
        candidate: &Candidate,
    ) -> Result<(), DeployError> {
        let manifest = &candidate.manifest;
        if manifest.statements.is_empty() {
            return Ok(());
        }
        let granted = &candidate.image.settings().granted;
        let scope = self
            .0
            .roles
            .scope_within(client, &manifest.app_name, granted)
            .await?;

        client.batch_execute("SAVEPOINT actions").await?;
        let mut problems = Vec::new();
        for (named, verdict) in statement::read(&manifest.statements).good {
            let why = match verdict.admit(&scope, Place::Call) {
                Err(refusal) if is_known_missing(manifest, &scope, &verdict, &refusal) => None,
                Err(refusal) => Some(refusal.to_string()),
                Ok(()) if scope.owns_all(&verdict) => analyse(client, named).await?,
                // The owner's role, which deploys, has no grants of its own.
                Ok(()) => None,
            };
            problems
                .extend(why.map(|why| format!("the action `{}` cannot be run: {why}", named.name)));
        }
        client.batch_execute("RELEASE SAVEPOINT actions").await?;
        if problems.is_empty() {
            Ok(())
        } else {
            problems.truncate(MAX_PROBLEMS);
            Err(DeployError::Actions(problems))
        }
    }
}

/// Has PostgreSQL look for columns and types. It runs nothing.
async fn analyse(client: &Client, named: &NamedStatement) -> Result<Option<String>, DeployError> {
    let Err(error) = client.prepare(&named.sql).await else {
        return Ok(None);
    };
    let Some(cause) = error.as_db_error() else {
        return Err(error.into());
    };
    let why = match cause.hint() {
        Some(hint) => format!("{}: {hint}", cause.message()),
        None => cause.message().to_owned(),
    };
    client
        .batch_execute("ROLLBACK TO SAVEPOINT actions")
        .await?;
    Ok(Some(why))
}

/// Whether a statement is refused for a table of `needs` that is not there, of which the
/// deploy warns: the app works without it until it is.
fn is_known_missing(
    manifest: &Manifest,
    scope: &Scope,
    verdict: &Verdict,
    refusal: &Refusal,
) -> bool {
    let is_granted =
        |table: &Table| scope.readable.contains(table) || scope.writable.contains(table);
    let mut missing = manifest
        .needs
        .tables
        .iter()
        .map(|need| Table::new(Some(&need.schema), &need.table))
        .filter(|table| !is_granted(table));
    refusal.code() == Code::UndefinedTable
        && missing.any(|missing| {
            verdict.reads().chain(verdict.writes()).any(|named| {
                named.name == missing.name
                    && named.schema.as_deref().unwrap_or("public")
                        == missing.schema.as_deref().unwrap_or("public")
            })
        })
}
