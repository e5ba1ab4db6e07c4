//! Writes down a release before anything of it runs, and forgets one that failed.

use super::{Candidate, DeployError, Deployer, Order, Prepared};
use crate::store::{apps, blobs, releases};

impl Deployer {
    /// Writes down the release that is about to be loaded, or that is held for consent.
    pub(super) async fn record(
        &self,
        prepared: &Prepared,
        order: &Order,
        held: bool,
    ) -> Result<i32, DeployError> {
        let now = self.0.clock.now();
        let Prepared {
            candidate,
            proposal,
            zip,
            component,
            component_digest,
            ..
        } = prepared;
        let app = &candidate.manifest.app_name;
        let bundle = blobs::digest(zip);
        let consented = !held && proposal.plan.consent;
        let release = releases::NewRelease {
            id: candidate.id,
            app,
            manifest: &candidate.manifest,
            digest: &proposal.plan.bundle,
            bundle: &bundle,
            component: component_digest,
            created_by: &order.by,
            now,
            held,
            granted: &proposal.granted,
            plan: &proposal.plan.to_json(),
            decided_by: consented.then_some(order.by.as_str()),
        };

        let mut tx = self.0.store.pool().begin().await?;
        blobs::keep(&mut tx, &bundle, zip, now).await?;
        blobs::keep(&mut tx, component_digest, component, now).await?;
        apps::ensure(&mut tx, app, now).await?;
        if held && let Some(waiting) = releases::waiting(&mut *tx, app).await? {
            let reason = "a newer deploy waits instead";
            releases::refuse(&mut *tx, app, waiting, &order.by, reason, now).await?;
        }
        let number = releases::insert(&mut tx, release).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Removes every trace of a deploy that failed.
    pub(super) async fn forget(&self, candidate: &Candidate) {
        let app = &candidate.manifest.app_name;
        let forget = async {
            let mut tx = self.0.store.pool().begin().await?;
            releases::delete(&mut tx, candidate.id).await?;
            apps::delete_if_empty(&mut tx, app).await?;
            tx.commit().await
        };
        if let Err(error) = forget.await {
            // The next start finds the row and removes it.
            tracing::error!(%app, %error, "a failed deploy could not be removed");
        }
    }
}
