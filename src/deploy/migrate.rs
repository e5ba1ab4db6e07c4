//! The manifest's `tables` and the app's `load`, as one transaction of the tables' owner.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;

use super::{Candidate, DeployError, Deployer, objects};
use crate::app::Manifest;
use crate::capability::db::policy::{self, Control};
use crate::capability::db::session::Source;
use crate::cell::{Call, Entry, limits};
use crate::ids::CallId;
use crate::store::releases;

const CONNECT: Duration = Duration::from_secs(10);

impl Deployer {
    /// Prepares the app's tables for a release. Nothing of it is kept unless all of it works.
    pub(super) async fn migrate(&self, candidate: &Candidate) -> Result<(), DeployError> {
        let app = &candidate.manifest.app_name;
        self.0.roles.prepare(app).await?;
        let client = Arc::new(self.0.pools.owner(app, CONNECT).await?);

        client.batch_execute("BEGIN").await?;
        let xid = transaction_id(&client).await?;
        if let Err(error) = run_tables(&client, &candidate.manifest).await {
            // Where another app was quicker, its name says more than the database does.
            self.check_names(&candidate.manifest).await?;
            return Err(error);
        }
        // Once more, because `IF NOT EXISTS` passes over what another app has made meanwhile.
        self.check_names(&candidate.manifest).await?;
        self.load(candidate, &client).await?;
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

    async fn load(&self, candidate: &Candidate, client: &Arc<Client>) -> Result<(), DeployError> {
        if !candidate.image.has_load() {
            return Ok(());
        }
        let call = Call {
            id: CallId(self.0.entropy.id(&self.0.clock)),
            entry: Entry::Load,
            caller: None,
            database: Source::Deploy {
                client: Arc::clone(client),
                app: candidate.manifest.app_name.clone(),
            },
            budget: limits::LOAD,
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

async fn run_tables(client: &Client, manifest: &Manifest) -> Result<(), DeployError> {
    for (statement, number) in manifest.tables.iter().zip(1..) {
        if policy::creates_own_schema(statement, manifest.app_name.as_str()) {
            continue;
        }
        let failed = |text: String| DeployError::Tables { number, text };
        if policy::control(statement) != Control::None {
            return Err(failed(
                "it would end the transaction of the deploy: remove it".to_owned(),
            ));
        }
        let run = client.execute_typed(statement, &[]);
        match tokio::time::timeout(limits::LOAD.wall, run).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                return Err(failed(match error.as_db_error() {
                    Some(cause) => cause.to_string(),
                    None => error.to_string(),
                }));
            }
            Err(_) => {
                let limit = limits::LOAD.wall.as_secs();
                return Err(failed(format!("it took longer than {limit} s")));
            }
        }
    }
    Ok(())
}
