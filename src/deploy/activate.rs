//! Makes a release the one that serves.

use std::sync::Arc;

use serde_json::json;
use sqlx::PgConnection;

use super::{Candidate, DeployError, Deployer};
use crate::app::manifest::Access;
use crate::app::{Grant, Hook};
use crate::audit::Entry;
use crate::capability::db::Inspector;
use crate::capability::jobs::policy::JobsGrant;
use crate::ids::{AppName, ReleaseId};
use crate::postgres::TableGrant;
use crate::store::{apps, audit, blobs, consents, releases, schedules};

/// Bundles and components that are removed in one transaction.
const SWEPT_AT_ONCE: i64 = 8;

impl Deployer {
    /// Makes a release active: in the database with an entry of the audit log, on this node,
    /// and by word to the others.
    pub(super) async fn activate(
        &self,
        candidate: &Candidate,
        entry: Entry,
    ) -> Result<(), DeployError> {
        let app = &candidate.manifest.app_name;
        let inspector = self.inspector(candidate).await?;
        let copy = self.0.serving.change().await;
        let mut tx = self.0.store.pool().begin().await?;
        self.go_live(&mut tx, app, candidate.id).await?;
        audit::record(&mut tx, self.0.clock.now(), entry).await?;
        tx.commit().await?;

        // Only after the commit: calls must not meet a release that a crash takes back.
        copy.adopt(&candidate.image, &candidate.manifest, inspector);
        drop(copy);
        if let Err(error) = self.0.roles.regrant(app).await {
            // New tables carry their grants by default; this is for those made by hand.
            tracing::warn!(%app, %error, "grants on the app's tables were not renewed");
        }
        Ok(())
    }

    /// Judges statements by the tables that there are now.
    pub(super) async fn inspector(&self, candidate: &Candidate) -> Result<Inspector, DeployError> {
        let settings = candidate.image.settings();
        let scope = self.0.roles.scope(&settings.app, &settings.granted).await?;
        Ok(Inspector::new(Arc::clone(&self.0.verdicts), scope))
    }

    /// Makes a release active in the database, with what it was granted and nothing else.
    pub(super) async fn go_live(
        &self,
        connection: &mut PgConnection,
        app: &AppName,
        release: ReleaseId,
    ) -> sqlx::Result<()> {
        let now = self.0.clock.now();
        let before = releases::active_manifest(&mut *connection, app).await?;
        let live = apps::activate(&mut *connection, app, release, now).await?;
        let by = live.decided_by.as_deref().unwrap_or(&live.created_by);
        let consented = consents::all(&mut *connection, app).await?;
        for grant in live.granted.iter() {
            if !consented.covers(grant) {
                consents::accept(&mut *connection, app, grant, by, now).await?;
            }
        }
        // One that is older; a rollback leaves what waits alone.
        if let Some(waiting) = releases::waiting(&mut *connection, app).await?
            && waiting < live.number
        {
            let reason = format!("release {} went live instead", live.number);
            releases::refuse(&mut *connection, app, waiting, by, &reason, now).await?;
        }
        let manifest = &live.manifest.0;
        let jobs = JobsGrant::new(manifest.jobs, self.0.cells.limits()).settings;
        schedules::declare(connection, app, &manifest.schedules, jobs).await?;
        self.reconcile(connection).await?;
        let Some(before) = before else {
            return self
                .queue_hook(connection, app, Hook::Install, &json!({}))
                .await;
        };
        let payload = json!({
            "from": before.version.to_string(),
            "to": manifest.version.to_string(),
        });
        self.queue_hook(connection, app, Hook::Upgrade, &payload)
            .await
    }

    /// Gives every app's role what it is granted of other apps' tables, and nothing else:
    /// a deploy may have made a table anew that was granted to somebody.
    pub(super) async fn reconcile(&self, connection: &mut PgConnection) -> sqlx::Result<()> {
        let mut tables = Vec::new();
        for (app, granted) in releases::granted(&mut *connection).await? {
            tables.extend(granted.iter().filter_map(|grant| table_grant(&app, grant)));
        }
        self.0.roles.reconcile(connection, &tables).await
    }

    /// Removes bundles and components that nothing needs any more.
    pub(crate) async fn sweep(&self) -> sqlx::Result<()> {
        let mut swept = 0;
        loop {
            let mut tx = self.0.store.pool().begin().await?;
            let (blobs, _) = blobs::sweep_some(&mut tx, SWEPT_AT_ONCE).await?;
            tx.commit().await?;
            swept += blobs;
            if blobs == 0 {
                break;
            }
        }
        if swept > 0 {
            tracing::info!(swept, "removed bundles and components that nothing needs");
        }
        Ok(())
    }
}

fn table_grant(app: &AppName, grant: &Grant) -> Option<TableGrant> {
    let Grant::Table {
        schema,
        table,
        access,
        owner,
    } = grant
    else {
        return None;
    };
    Some(TableGrant {
        app: app.clone(),
        owner: owner.clone(),
        schema: schema.clone(),
        table: table.clone(),
        write: *access == Access::Write,
    })
}
