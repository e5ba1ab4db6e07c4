//! Writes down a release before anything of it runs, and forgets one that failed.

use super::{Candidate, DeployError, Deployer, Order, Prepared};
use crate::audit::Entry;
use crate::store::{apps, audit, blobs, releases};

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
        let by = order.actor.name();
        let consented = !held && proposal.plan.consent;
        let release = releases::NewRelease {
            id: candidate.id,
            app,
            manifest: &candidate.manifest,
            digest: &proposal.plan.bundle,
            bundle: &bundle,
            component: component_digest,
            created_by: by,
            now,
            held,
            granted: &proposal.granted,
            plan: &proposal.plan.to_json(),
            decided_by: consented.then_some(by),
        };

        let mut tx = self.0.store.pool().begin().await?;
        blobs::keep(&mut tx, &bundle, zip, now).await?;
        blobs::keep(&mut tx, component_digest, component, now).await?;
        apps::ensure(&mut tx, app, now).await?;
        if held && let Some(waiting) = releases::waiting(&mut *tx, app).await? {
            let reason = "a newer deploy waits instead";
            releases::refuse(&mut *tx, app, waiting, by, reason, now).await?;
        }
        let number = releases::insert(&mut tx, release).await?;
        if held {
            let entry = Entry::of_app(order.actor.clone(), "app.hold", app)
                .with("release", number)
                .with("version", candidate.manifest.version.to_string())
                .with("plan", proposal.plan.digest.as_str());
            audit::record(&mut tx, now, entry).await?;
        }
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
