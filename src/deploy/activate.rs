//! Makes a release the one that serves.

use super::{Candidate, DeployError, Deployer};
use crate::audit::Entry;
use crate::store::{apps, audit, blobs};

impl Deployer {
    /// Makes a release active: in the database with an entry of the audit log, on this node,
    /// and by word to the others.
    pub(super) async fn activate(
        &self,
        candidate: &Candidate,
        entry: Entry,
    ) -> Result<(), DeployError> {
        let app = &candidate.manifest.app_name;
        let mut tx = self.0.store.pool().begin().await?;
        let now = self.0.clock.now();
        apps::activate(&mut tx, app, candidate.id, now).await?;
        audit::record(&mut tx, now, entry).await?;
        tx.commit().await?;

        // Only after the commit: calls must not meet a release that a crash takes back.
        self.0.serving.adopt(&candidate.image, &candidate.manifest);
        if let Err(error) = self.0.roles.regrant(app).await {
            // New tables carry their grants by default; this is for those made by hand.
            tracing::warn!(%app, %error, "grants on the app's tables were not renewed");
        }
        Ok(())
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
