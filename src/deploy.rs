//! From a bundle to a release that serves, or to nothing changed at all.
//!
//! read, check, build, compile, plan, migrate, activate, announce: each stage is a file below,
//! and its time is in the report. A deploy that widens what the app may do is held after its
//! plan until somebody consents. [`Serving`] is what calls find at the end.

mod actions;
mod activate;
mod compile;
mod component;
mod consent;
mod error;
mod grants;
mod hooks;
mod lint;
mod live;
mod manage;
mod migrate;
mod objects;
mod plan;
mod propose;
mod reach;
mod record;
mod recover;
mod serving;
mod settings;

pub(crate) use error::DeployError;
pub(crate) use grants::GrantStatus;
pub(crate) use hooks::Farewell;
pub(crate) use manage::ManageError;
pub(crate) use plan::Plan;
pub(crate) use serving::{App, NotServing, Serving};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use wasmtime::component::Component;

use self::propose::Proposal;
use self::settings::settings;
use crate::app::{Bundle, Description, Finding, Grants, Manifest};
use crate::audit::{Actor, Entry};
use crate::cell::{Cells, Image};
use crate::config::Builders;
use crate::ids::{AppName, ReleaseId};
use crate::postgres::{AppPools, Roles};
use crate::services::{Clock, Entropy};
use crate::sql::Verdicts;
use crate::store::releases::State;
use crate::store::{Store, apps, blobs};

/// Deploys and manages apps. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deployer(Arc<Parts>);

/// Deploys that are at work at once; more wait.
pub(crate) const TURNS: usize = 2;

/// What a deployer works with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) cells: Cells,
    pub(crate) roles: Roles,
    pub(crate) pools: AppPools,
    pub(crate) serving: Serving,
    /// What statements that were read before do.
    pub(crate) verdicts: Arc<Verdicts>,
    pub(crate) builders: Builders,
    /// Where the component is kept that runs Python apps from their sources, if they do.
    pub(crate) live: Option<PathBuf>,
    /// Where builds and compilations work.
    pub(crate) work: PathBuf,
    pub(crate) turns: Arc<Semaphore>,
}

/// What is to be done with a bundle.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// Who asks for it.
    pub(crate) actor: Actor,
    /// Whether that is somebody who may consent.
    pub(crate) may_consent: bool,
    /// The digest of the plan that is consented to already.
    pub(crate) accept: Option<String>,
}

/// What a deploy did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Report {
    #[schema(value_type = String)]
    pub(crate) app: AppName,
    /// The release's id.
    #[schema(value_type = uuid::Uuid)]
    pub(crate) release: ReleaseId,
    /// The release's number: 1 for the app's first.
    pub(crate) number: i32,
    /// The version that the manifest gives.
    pub(crate) version: String,
    /// SHA-256 of the bundle's files.
    pub(crate) digest: String,
    /// `ready` where it serves, `waiting` where somebody must consent first.
    pub(crate) state: State,
    /// What it changes.
    pub(crate) plan: Plan,
    /// What the author should mend; none of it keeps the app from running.
    #[schema(value_type = Vec<Object>)]
    pub(crate) warnings: Vec<Finding>,
    /// How long each stage took, in milliseconds.
    pub(crate) timings: Timings,
}

/// What a deploy does, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Stage {
    Read,
    /// The sources are read as `skep check` does.
    Lint,
    Build,
    Compile,
    Check,
    Migrate,
    Activate,
}

/// A stage that is over.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Lap {
    pub(crate) stage: Stage,
    /// How long it took, in milliseconds.
    pub(crate) ms: u64,
}

/// Who wants to hear of each stage that is over.
pub(crate) type Listener = Option<mpsc::UnboundedSender<Lap>>;

/// How long each stage of a deploy took, in milliseconds.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Timings {
    pub(crate) read: u64,
    pub(crate) lint: u64,
    pub(crate) build: u64,
    pub(crate) compile: u64,
    pub(crate) check: u64,
    pub(crate) migrate: u64,
    pub(crate) activate: u64,
}

/// A turn to deploy, given back when it is dropped.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Measures stage after stage.
struct Stopwatch {
    since: Instant,
    listener: Listener,
}

impl Stopwatch {
    fn start(listener: Listener) -> Self {
        Self {
            since: Instant::now(),
            listener,
        }
    }

    /// Milliseconds since the last lap, which this stage took.
    fn lap(&mut self, stage: Stage) -> u64 {
        let lap = self.since.elapsed();
        self.since = Instant::now();
        let ms = u64::try_from(lap.as_millis()).unwrap_or(u64::MAX);
        if let Some(listener) = &self.listener {
            // Who went away need not hear it.
            let _ = listener.send(Lap { stage, ms });
        }
        ms
    }
}

/// A zip that has been read.
struct Upload {
    zip: Bytes,
    bundle: Bundle,
    description: Description,
    timings: Timings,
}

impl Upload {
    async fn read(zip: Bytes, watch: &mut Stopwatch) -> Result<Self, DeployError> {
        let (zip, bundle) = unpack(zip).await?;
        let description = Description::read(&bundle)?;
        Roles::admit(&description.manifest.app_name)?;
        Ok(Self {
            zip,
            bundle,
            description,
            timings: Timings {
                read: watch.lap(Stage::Read),
                ..Timings::default()
            },
        })
    }
}

/// A bundle of which everything is known, and nothing has run.
struct Prepared {
    candidate: Candidate,
    proposal: Proposal,
    zip: Bytes,
    component: Vec<u8>,
    component_digest: String,
    timings: Timings,
}

/// A release on its way to becoming active.
struct Candidate {
    id: ReleaseId,
    manifest: Manifest,
    image: Arc<Image>,
}

impl Candidate {
    /// Whether it is this release with these grants.
    fn is(&self, release: ReleaseId, granted: &Grants) -> bool {
        self.id == release && *self.image.settings().granted == *granted
    }

    /// Checks that the component can be called for what the manifest names.
    fn check_exports(&self) -> Result<(), DeployError> {
        let missing = |key, export| Err(DeployError::NoExport { key, export });
        if !self.manifest.hooks.is_empty() && !self.image.has_hook() {
            return missing("hooks", "lifecycle.hook");
        }
        if !self.manifest.tasks.is_empty() && !self.image.has_task() {
            return missing("tasks", "task.run");
        }
        Ok(())
    }
}

impl Deployer {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Deploys a zip, or holds it until somebody consents.
    ///
    /// # Errors
    ///
    /// When any stage fails. Nothing is changed then, and the release before goes on serving.
    pub(crate) async fn deploy(
        &self,
        zip: Bytes,
        order: Order,
        listener: Listener,
    ) -> Result<Report, DeployError> {
        let deployer = self.clone();
        apart(async move { deployer.run(zip, order, listener).await }).await
    }

    /// Says what a deploy of a zip would change, and changes nothing.
    ///
    /// # Errors
    ///
    /// When a deploy of it would fail before anything of it runs.
    pub(crate) async fn foresee(
        &self,
        zip: Bytes,
        listener: Listener,
    ) -> Result<Plan, DeployError> {
        let deployer = self.clone();
        apart(async move {
            let mut watch = Stopwatch::start(listener);
            let upload = Upload::read(zip, &mut watch).await?;
            let app = upload.description.manifest.app_name.clone();
            let prepare = deployer.prepare(upload, &mut watch);
            Ok(deployer.locked(&app, prepare).await?.proposal.plan)
        })
        .await
    }

    async fn run(
        &self,
        zip: Bytes,
        order: Order,
        listener: Listener,
    ) -> Result<Report, DeployError> {
        let mut watch = Stopwatch::start(listener);
        let upload = Upload::read(zip, &mut watch).await?;
        let app = upload.description.manifest.app_name.clone();
        let work = async {
            let prepared = self.prepare(upload, &mut watch).await?;
            self.carry_out(prepared, order, &mut watch).await
        };
        self.locked(&app, work).await
    }

    /// Everything about a bundle that comes before anything of it runs.
    async fn prepare(
        &self,
        upload: Upload,
        watch: &mut Stopwatch,
    ) -> Result<Prepared, DeployError> {
        let Upload {
            zip,
            bundle,
            description,
            mut timings,
        } = upload;
        let Description {
            manifest,
            backend,
            mut warnings,
        } = description;
        let found = self.lint(&bundle).await?;
        timings.lint = watch.lap(Stage::Lint);

        let component = self.component(&bundle, backend).await?;
        timings.build = watch.lap(Stage::Build);

        let component_digest = blobs::digest(&component);
        let compiled = self.compile(&component_digest, &component).await?;
        timings.compile = watch.lap(Stage::Compile);

        let sources = self.sources(&bundle, backend);
        let mut proposal = self
            .propose(&manifest, bundle, backend, &compiled, found)
            .await?;
        warnings.extend(proposal.plan.found_beside(&warnings));
        warnings.append(&mut proposal.warnings);
        warnings.extend(settings::beyond(
            &manifest.limits,
            &manifest.jobs,
            self.0.cells.limits(),
        ));
        warnings.extend(self.unfit_settings(&manifest).await?);
        proposal.warnings = warnings;
        let id = ReleaseId(self.0.entropy.id(&self.0.clock));
        let granted = Arc::clone(&proposal.granted);
        let candidate = self.candidate_of(id, manifest, granted, &compiled, sources)?;
        candidate.check_exports()?;
        timings.check = watch.lap(Stage::Check);

        Ok(Prepared {
            candidate,
            proposal,
            zip,
            component,
            component_digest,
            timings,
        })
    }

    /// Makes a release of what is prepared, or holds it until somebody consents.
    async fn carry_out(
        &self,
        prepared: Prepared,
        order: Order,
        watch: &mut Stopwatch,
    ) -> Result<Report, DeployError> {
        let plan = &prepared.proposal.plan;
        if let Some(accepted) = &order.accept
            && *accepted != plan.digest
        {
            return Err(DeployError::OtherPlan(Box::new(plan.clone())));
        }
        let held = order.accept.is_none() && plan.waits(order.may_consent);
        let number = self.record(&prepared, &order, held).await?;
        let by = order.actor.name().to_owned();

        let Prepared {
            candidate,
            proposal: Proposal { plan, warnings, .. },
            mut timings,
            ..
        } = prepared;
        if !held {
            if let Err(error) = self.migrate(&candidate).await {
                self.forget(&candidate).await;
                return Err(error);
            }
            timings.migrate = watch.lap(Stage::Migrate);
            let mut entry = Entry::of_app(order.actor, "app.deploy", &candidate.manifest.app_name)
                .with("release", number)
                .with("version", plan.version.as_str())
                .with("digest", plan.bundle.as_str());
            if plan.consent {
                entry = entry.with("consent", plan.digest.as_str());
            }
            self.activate(&candidate, entry).await?;
            timings.activate = watch.lap(Stage::Activate);
        }
        let (app, release) = (candidate.manifest.app_name, candidate.id);
        tracing::info!(%app, %release, number, held, by, "deployed");

        Ok(Report {
            app,
            release,
            number,
            version: plan.version.clone(),
            digest: plan.bundle.clone(),
            state: if held { State::Waiting } else { State::Ready },
            plan,
            warnings,
            timings,
        })
    }

    /// A turn to deploy. Take it before the upload is read: a bundle is held in memory, and
    /// building one takes a core.
    pub(crate) async fn turn(&self) -> Turn {
        Turn {
            _permit: Arc::clone(&self.0.turns).acquire_owned().await.ok(),
        }
    }

    /// A release of compiled code, linked.
    fn candidate_of(
        &self,
        id: ReleaseId,
        manifest: Manifest,
        granted: Arc<Grants>,
        compiled: &Component,
        sources: Option<Bundle>,
    ) -> Result<Candidate, DeployError> {
        let settings = settings(self.0.cells.limits(), &manifest, granted, id);
        let image = self.0.cells.prepare(compiled, settings, sources.as_ref())?;
        Ok(Candidate {
            id,
            manifest,
            image: Arc::new(image),
        })
    }

    /// Works with the sole right to change an app, over all nodes: nobody else deploys, rolls
    /// back or deletes meanwhile.
    async fn locked<T, E: From<DeployError>>(
        &self,
        app: &AppName,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut lock = self
            .0
            .store
            .pool()
            .begin()
            .await
            .map_err(DeployError::from)?;
        if !apps::lock(&mut lock, app)
            .await
            .map_err(DeployError::from)?
        {
            return Err(DeployError::Busy(app.clone()).into());
        }
        let result = work.await;
        // Before the answer: whoever gets it may ask for the next change at once. A lock whose
        // connection was lost is gone already.
        let _ = lock.rollback().await;
        result
    }
}

/// Works in a task of its own: a deployer who goes away must not leave half of it done.
async fn apart<T: Send + 'static, E: From<DeployError> + Send + 'static>(
    work: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E> {
    tokio::spawn(work)
        .await
        .map_err(|error| DeployError::Internal(error.into()))?
}

async fn unpack(zip: Bytes) -> Result<(Bytes, Bundle), DeployError> {
    let unpacked = tokio::task::spawn_blocking(move || {
        let bundle = Bundle::from_zip(&zip)?;
        Ok((zip, bundle))
    });
    unpacked
        .await
        .map_err(|error| DeployError::Internal(error.into()))?
}
