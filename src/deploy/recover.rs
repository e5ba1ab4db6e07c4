//! What is found of deploys that a crash has cut, ours at the start or the database's later.

use super::Deployer;
use crate::audit::{Actor, Entry};
use crate::store::{apps, audit, releases};

impl Deployer {
    /// Ends every deploy that did not come to its end: forward where the app's tables were
    /// changed already, else back, which for one that was held for consent is to wait again.
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
                self.go_live(&mut tx, app, release).await?;
                let entry = Entry::of_app(Actor::host(), "app.deploy", app)
                    .with("release_id", release.to_string())
                    .with("after", "a crash");
                audit::record(&mut tx, self.0.clock.now(), entry).await?;
                tracing::warn!(%app, %release, "activated a release whose deploy a crash had cut");
            } else if unfinished.held {
                releases::wait_again(&mut *tx, release).await?;
                tracing::warn!(%app, %release, "a release waits again whose deploy a crash had cut");
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
