//! Releases that wait for consent: accepted as they were shown, or refused.

use super::{DeployError, Deployer, ManageError, apart, unpack};
use crate::app::Backend;
use crate::audit::{Actor, Entry};
use crate::ids::AppName;
use crate::store::audit;
use crate::store::releases::{self, State, StoredRow};

impl Deployer {
    /// Makes a waiting release serve, if its plan is still the one of this digest.
    ///
    /// # Errors
    ///
    /// When the plan is another by now, which is kept and comes back with the error; or when
    /// the deploy fails, and then the release goes on waiting.
    pub(crate) async fn accept(
        &self,
        app: &AppName,
        number: i32,
        digest: &str,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let deployer = self.clone();
        let (app, digest) = (app.clone(), digest.to_owned());
        apart(async move {
            let accept = deployer.accept_now(&app, number, &digest, actor);
            deployer.locked(&app, accept).await
        })
        .await
    }

    async fn accept_now(
        &self,
        app: &AppName,
        number: i32,
        digest: &str,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let stored = self.waiting(app, number).await?;
        let (Some(zip), Some(component)) = (&stored.bundle, &stored.component) else {
            return Err(ManageError::NotWaiting(app.clone(), number));
        };
        let manifest = stored.manifest.0;
        let (_, bundle) = unpack(self.blob(zip).await?).await?;
        let backend =
            Backend::find(&bundle, None).map_err(|error| DeployError::Internal(error.into()))?;
        let compiled = self.compiled(component).await?;
        let found = self.lint(&bundle).await?;
        let sources = self.sources(&bundle, backend);
        let proposal = self
            .propose(&manifest, bundle, backend, &compiled, found)
            .await?;
        if proposal.plan.digest != digest {
            let plan = proposal.plan.to_json();
            releases::replan(self.0.store.pool(), stored.id, &proposal.granted, &plan).await?;
            return Err(DeployError::OtherPlan(Box::new(proposal.plan)).into());
        }

        let candidate =
            self.candidate_of(stored.id, manifest, proposal.granted, &compiled, sources)?;
        let now = self.0.clock.now();
        let by = actor.name().to_owned();
        releases::accept(self.0.store.pool(), candidate.id, &by, now).await?;
        if let Err(error) = self.migrate(&candidate).await {
            // Should this fail too, then the next start makes it wait.
            let _ = releases::wait_again(self.0.store.pool(), candidate.id)
                .await
                .inspect_err(|error| tracing::error!(%app, %error, "a release cannot wait again"));
            return Err(error.into());
        }
        let entry = Entry::of_app(actor, "app.consent", app)
            .with("release", number)
            .with("version", candidate.manifest.version.to_string())
            .with("consent", digest);
        self.activate(&candidate, entry).await?;
        tracing::info!(%app, number, by, "accepted");
        Ok(())
    }

    /// Ends the waiting of a release; what serves goes on serving.
    pub(crate) async fn refuse(
        &self,
        app: &AppName,
        number: i32,
        reason: &str,
        actor: Actor,
    ) -> Result<(), ManageError> {
        let by = actor.name().to_owned();
        let refuse = async {
            self.waiting(app, number).await?;
            let now = self.0.clock.now();
            let mut tx = self.0.store.pool().begin().await?;
            releases::refuse(&mut *tx, app, number, &by, reason, now).await?;
            let entry = Entry::of_app(actor, "app.refuse", app)
                .with("release", number)
                .with("reason", reason);
            audit::record(&mut tx, now, entry).await?;
            tx.commit().await?;
            Ok::<_, ManageError>(())
        };
        self.locked(app, refuse).await?;
        tracing::info!(%app, number, by, reason, "refused");
        Ok(())
    }

    /// What was shown of a release before it went live or was refused.
    pub(crate) async fn plan_of(
        &self,
        app: &AppName,
        number: i32,
    ) -> Result<serde_json::Value, ManageError> {
        let plan = self.stored(app, number).await?.plan;
        plan.map(|plan| plan.0)
            .ok_or_else(|| ManageError::NoPlan(app.clone(), number))
    }

    /// The release of this number, which must wait.
    async fn waiting(&self, app: &AppName, number: i32) -> Result<StoredRow, ManageError> {
        let stored = self.stored(app, number).await?;
        match stored.state {
            State::Waiting => Ok(stored),
            State::Loading | State::Committing | State::Ready | State::Refused => {
                Err(ManageError::NotWaiting(app.clone(), number))
            }
        }
    }

    /// The release of this number, whatever its state.
    pub(super) async fn stored(
        &self,
        app: &AppName,
        number: i32,
    ) -> Result<StoredRow, ManageError> {
        self.must_exist(app).await?;
        releases::find(self.0.store.pool(), app, number)
            .await?
            .ok_or_else(|| ManageError::NoRelease(app.clone(), number))
    }
}
