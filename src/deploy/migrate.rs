//! The manifest's `tables` and the app's `load`, as one transaction of the tables' owner.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::{Candidate, DeployError, Deployer, objects};
use crate::app::Manifest;
use crate::capability::db::session::Source;
use crate::capability::db::{DbError, Migration};
use crate::cell::{Call, Entry};
use crate::ids::CallId;
use crate::limits::LOAD_WALL;
use crate::sql::Kind;
use crate::store::releases;

const CONNECT: Duration = Duration::from_secs(10);

impl Deployer {
    /// Prepares the app's tables for a release. Nothing of it is kept unless all of it works.
    pub(super) async fn migrate(&self, candidate: &Candidate) -> Result<(), DeployError> {
        let app = &candidate.manifest.app_name;
        self.0.roles.prepare(app).await?;
        self.0.roles.admit_to_jobs(app).await?;
        let client = Arc::new(self.0.pools.owner(app, CONNECT).await?);

        client.batch_execute("BEGIN").await?;
        let xid = transaction_id(&client).await?;
        let migration = Arc::new(Migration::new(
            Arc::clone(&client),
            app.clone(),
            self.0.roles.clone(),
            Arc::clone(&self.0.verdicts),
        ));
        if let Err(error) = run_tables(&migration, &candidate.manifest).await {
            // Where another app was quicker, its name says more than the database does.
            self.check_names(&candidate.manifest).await?;
            return Err(error);
        }
        // Once more, because `IF NOT EXISTS` passes over what another app has made meanwhile.
        self.check_names(&candidate.manifest).await?;
        self.load(candidate, migration).await?;
        self.check_actions(&client, candidate).await?;
        objects::check(&client).await?;
        // Code that found a way to end our transaction has committed what it did; that must
        // not pass for a deploy.
        if transaction_id(&client).await? != xid {
            return Err(DeployError::Internal(anyhow::anyhow!(
                "the app ended the transaction of its deploy"
            )));
        }

        // Whoever took the release away, because our lock was lost with a connection, counts on
        // this transaction not being committed.
        if !releases::committing(self.0.store.pool(), candidate.id, &xid).await? {
            return Err(DeployError::Busy(app.clone()));
        }
        client.batch_execute("COMMIT").await?;
        Ok(())
    }

    async fn load(
        &self,
        candidate: &Candidate,
        migration: Arc<Migration>,
    ) -> Result<(), DeployError> {
        if !candidate.image.has_load() {
            return Ok(());
        }
        let call = Call {
            id: CallId(self.0.entropy.id(&self.0.clock)),
            entry: Entry::Load,
            caller: None,
            database: Source::Deploy(migration),
            budget: self.0.cells.limits().load(),
            attempt: None,
        };
        let outcome = self.0.cells.run(&candidate.image, call).await;
        outcome.result.map(drop).map_err(DeployError::Load)
    }
}

async fn transaction_id(client: &Client) -> Result<String, DeployError> {
    let row = client
        .query_one(
            "SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text",
            &[],
        )
        .await?;
    Ok(row.try_get(0)?)
}

async fn run_tables(migration: &Migration, manifest: &Manifest) -> Result<(), DeployError> {
    for (statement, number) in manifest.tables.iter().zip(1..) {
        let run = run_statement(migration, statement);
        let text = match tokio::time::timeout(LOAD_WALL, run).await {
            Ok(Ok(())) => continue,
            Ok(Err(DbError::Unavailable(cause))) => return Err(DeployError::Internal(cause)),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("it took longer than {} s", LOAD_WALL.as_secs()),
        };
        return Err(DeployError::Tables { number, text });
    }
    Ok(())
}

async fn run_statement(migration: &Migration, sql: &str) -> Result<(), DbError> {
    let verdict = migration.admit(sql).await?;
    if Migration::is_done_already(&verdict) {
        return Ok(());
    }
    if !changes_rows_or_tables(verdict.kind()) {
        let text = "`tables` makes and fills tables, in one transaction of the deploy: remove it";
        return Err(DbError::Invalid(text.to_owned()));
    }
    migration.client().execute_typed(sql, &[]).await?;
    Ok(())
}

fn changes_rows_or_tables(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Select
            | Kind::Insert
            | Kind::Update
            | Kind::Delete
            | Kind::Merge
            | Kind::Truncate
            | Kind::Ddl(_)
    )
}
