//! Makes a release the one that serves.

use std::sync::Arc;

use super::{Candidate, DeployError, Deployer};
use crate::capability::db::Inspector;
use crate::ids::AppName;
use crate::store::{apps, blobs};

impl Deployer {
    /// Makes a release active: in the database, on this node, and by word to the others.
    pub(super) async fn activate(&self, candidate: &Candidate) -> Result<(), DeployError> {
        let app = &candidate.manifest.app_name;
        let inspector = self.inspector(app).await?;
        let mut tx = self.0.store.pool().begin().await?;
        apps::activate(&mut tx, app, candidate.id, self.0.clock.now()).await?;
        tx.commit().await?;

        // Only after the commit: calls must not meet a release that a crash takes back.
        self.adopt(candidate, inspector);
        if let Err(error) = self.0.roles.regrant(app).await {
            // New tables carry their grants by default; this is for those made by hand.
            tracing::warn!(%app, %error, "grants on the app's tables were not renewed");
        }
        Ok(())
    }

    /// Judges statements by the tables that there are now.
    pub(super) async fn inspector(&self, app: &AppName) -> Result<Inspector, DeployError> {
        let scope = self.0.roles.scope(app, &[]).await?;
        Ok(Inspector::new(Arc::clone(&self.0.verdicts), scope))
    }

    /// Takes a release into service on this node.
    pub(super) fn adopt(&self, candidate: &Candidate, inspector: Inspector) {
        self.0
            .serving
            .adopt(&candidate.image, &candidate.manifest, inspector);
    }

    /// Removes bundles and components that nothing needs any more.
    pub(crate) async fn sweep(&self) -> sqlx::Result<()> {
        let mut tx = self.0.store.pool().begin().await?;
        let swept = blobs::sweep(&mut tx).await?;
        tx.commit().await?;
        if swept > 0 {
            tracing::info!(swept, "removed bundles and components that nothing needs");
        }
        Ok(())
    }
}
