//! What is found of deploys that a crash has cut, ours at the start or the database's later.

use super::Deployer;
use crate::audit::{Actor, Entry};
use crate::store::{apps, audit, releases};

impl Deployer {
    /// Ends every deploy that did not come to its end: forward where the app's tables were
    /// changed already, else back.
    ///
    /// A deploy that another node is at work on holds its app's lock, and is left alone.
    pub(crate) async fn recover(&self) -> sqlx::Result<()> {
        for unfinished in releases::unfinished(self.0.store.pool()).await? {
            let mut tx = self.0.store.pool().begin().await?;
            if !apps::lock(&mut tx, &unfinished.app).await? {
                continue;
            }
            let (app, release) = (&unfinished.app, unfinished.id);
            if unfinished.committed == Some(true) {
                let now = self.0.clock.now();
                apps::activate(&mut tx, app, release, now).await?;
                let entry = Entry::of_app(Actor::host(), "app.deploy", app)
                    .with("release_id", release.to_string())
                    .with("after", "a crash");
                audit::record(&mut tx, now, entry).await?;
                tracing::warn!(%app, %release, "activated a release whose deploy a crash had cut");
            } else {
                releases::delete(&mut tx, release).await?;
                apps::delete_if_empty(&mut tx, app).await?;
                tracing::warn!(%app, %release, "removed a deploy that a crash had cut");
            }
            tx.commit().await?;
        }
        Ok(())
    }
}
