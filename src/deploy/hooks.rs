//! Tells apps of their own life: what the manifest's `hooks` name.
//!
//! A hook is a job, queued in the transaction of what it tells. Only `on_uninstall` is called at
//! once, because nothing of the app is left afterwards.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{Deployer, ManageError};
use crate::app::{Hook, JobEntry};
use crate::capability::db::session::Source;
use crate::capability::jobs::policy::{JobsGrant, UNINSTALL_WALL, WAITING_HOOKS};
use crate::cell::{Call, CallError, Entry};
use crate::ids::{AppName, CallId, JobId};
use crate::limits::Budget;
use crate::store::jobs::{self, NewJob};
use crate::store::releases;

/// What the hook `on_uninstall` came to. Whatever it is, the app is deleted.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Farewell {
    /// Whether the hook succeeded.
    pub(crate) ok: bool,
    /// What it said, or why it did not succeed.
    pub(crate) message: Option<String>,
}

impl Deployer {
    /// Queues one of an app's hooks, as part of a transaction of the host's. Nothing happens where
    /// its active release does not declare the hook.
    pub(crate) async fn queue_hook(
        &self,
        connection: &mut PgConnection,
        app: &AppName,
        hook: Hook,
        payload: &Value,
    ) -> sqlx::Result<()> {
        let Some(manifest) = releases::active_manifest(&mut *connection, app).await? else {
            return Ok(());
        };
        if !manifest.hooks.contains_key(&hook) {
            return Ok(());
        }
        if jobs::waiting_hooks(&mut *connection, app, WAITING_HOOKS).await? >= WAITING_HOOKS {
            tracing::warn!(%app, %hook, "the app is not told: too many of its hooks wait already");
            return Ok(());
        }
        let grant = JobsGrant::new(manifest.jobs, self.0.cells.limits());
        let job = NewJob {
            id: JobId(self.0.entropy.id(&self.0.clock)),
            app,
            entry: &JobEntry::Hook(hook),
            payload: &payload.to_string(),
            key: None,
            created_by: None,
            // What has happened is told before work that waits.
            priority: 1,
            settings: grant.of_hooks(),
        };
        jobs::insert(connection, job).await?;
        Ok(())
    }

    /// Tells an app that it is about to be deleted, and waits for it a while. None where it does
    /// not want to know.
    pub(super) async fn say_farewell(
        &self,
        app: &AppName,
        remove_data: bool,
    ) -> Result<Option<Farewell>, ManageError> {
        let manifest = releases::active_manifest(self.0.store.pool(), app).await?;
        let hook = Hook::Uninstall;
        if !manifest.is_some_and(|manifest| manifest.hooks.contains_key(&hook)) {
            return Ok(None);
        }
        // It may be that another node has deployed it.
        if let Err(error) = self.follow(app).await {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(%app, error, "the app cannot be told that it is deleted");
        }
        let Some(found) = self.0.serving.find_even_disabled(app) else {
            return Ok(Some(Farewell {
                ok: false,
                message: Some("the app's code cannot be run".to_owned()),
            }));
        };
        let call = Call {
            id: CallId(self.0.entropy.id(&self.0.clock)),
            entry: Entry::Hook {
                hook,
                payload: json!({ "remove_data": remove_data }).to_string(),
            },
            caller: None,
            database: Source::App {
                pools: self.0.pools.clone(),
                app: app.clone(),
                inspector: found.inspector,
            },
            budget: Budget {
                wall: UNINSTALL_WALL,
                ..found.image.settings().budget
            },
            attempt: None,
        };
        let outcome = self.0.cells.run(&found.image, call).await;
        Ok(Some(farewell(outcome.result)))
    }
}

fn farewell(result: Result<String, CallError>) -> Farewell {
    match result {
        Ok(answer) => Farewell {
            ok: true,
            message: serde_json::from_str::<Value>(&answer)
                .ok()
                .and_then(|answer| Some(answer.get("message")?.as_str()?.to_owned())),
        },
        Err(error) => Farewell {
            ok: false,
            message: Some(error.in_the_log()),
        },
    }
}
