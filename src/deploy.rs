//! From a bundle to a release that serves, or to nothing changed at all.
//!
//! read, build, compile, check, migrate, activate, announce: each stage is a file below, and
//! its time is in the report. [`Serving`] is what calls find at the end.

mod activate;
mod compile;
mod error;
mod manage;
mod migrate;
mod objects;
mod recover;
mod serving;

pub(crate) use error::DeployError;
pub(crate) use manage::ManageError;
pub(crate) use serving::{NotServing, Serving};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::Serialize;
use sqlx::{Postgres, Transaction};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::component::Component;

use crate::app::{Backend, Bundle, Description, Finding, Manifest};
use crate::audit::{Actor, Entry};
use crate::build::{self, Builder};
use crate::capability::settings::policy::SettingsGrant;
use crate::cell::{self, Cells, Image};
use crate::ids::{AppName, ReleaseId};
use crate::postgres::{AppPools, Roles};
use crate::services::{Clock, Entropy};
use crate::store::{Store, apps, blobs, releases, settings};

/// Deploys and manages apps. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Deployer(Arc<Parts>);

/// Deploys that are at work at once; more wait.
pub(crate) const TURNS: usize = 2;

/// How long a change of an app waits for the one before, and how often it asks.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// What a deployer works with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) cells: Cells,
    pub(crate) roles: Roles,
    pub(crate) pools: AppPools,
    pub(crate) serving: Serving,
    /// The configured builder, if any, and where to look for one.
    pub(crate) builder: Option<PathBuf>,
    pub(crate) path: Vec<PathBuf>,
    /// Where builds and compilations work.
    pub(crate) work: PathBuf,
    pub(crate) turns: Arc<Semaphore>,
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
    /// What the author should mend; none of it keeps the app from running.
    #[schema(value_type = Vec<Object>)]
    pub(crate) warnings: Vec<Finding>,
    /// How long each stage took, in milliseconds.
    pub(crate) timings: Timings,
}

/// How long each stage of a deploy took, in milliseconds.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Timings {
    pub(crate) read: u64,
    pub(crate) build: u64,
    pub(crate) compile: u64,
    pub(crate) check: u64,
    pub(crate) migrate: u64,
    pub(crate) activate: u64,
}

/// The bytes of a release, and their names.
#[derive(Clone, Copy)]
struct Files<'a> {
    /// Of the bundle's files, whatever the zip around them looks like.
    digest: &'a str,
    zip: &'a [u8],
    component_digest: &'a str,
    component: &'a [u8],
}

/// A turn to deploy, given back when it is dropped.
pub(crate) struct Turn {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Measures stage after stage.
struct Stopwatch(Instant);

impl Stopwatch {
    /// Milliseconds since the last lap.
    fn lap(&mut self) -> u64 {
        let lap = self.0.elapsed();
        self.0 = Instant::now();
        u64::try_from(lap.as_millis()).unwrap_or(u64::MAX)
    }
}

/// A release on its way to becoming active.
struct Candidate {
    id: ReleaseId,
    manifest: Manifest,
    image: Arc<Image>,
}

impl Deployer {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Deploys a zip; `actor` is who asked for it.
    ///
    /// # Errors
    ///
    /// When any stage fails. Nothing is changed then, and the release before goes on serving.
    pub(crate) async fn deploy(&self, zip: Bytes, actor: Actor) -> Result<Report, DeployError> {
        let deployer = self.clone();
        // A task of its own: a deployer who goes away must not leave half of it done.
        tokio::spawn(async move { deployer.run(zip, actor).await })
            .await
            .map_err(|error| DeployError::Internal(error.into()))?
    }

    async fn run(&self, zip: Bytes, actor: Actor) -> Result<Report, DeployError> {
        let by = actor.name().to_owned();
        let mut timings = Timings::default();
        let mut watch = Stopwatch(Instant::now());

        let (zip, bundle) = unpack(zip).await?;
        let Description {
            manifest,
            backend,
            mut warnings,
        } = Description::read(&bundle)?;
        let app = manifest.app_name.clone();
        Roles::admit(&app)?;
        timings.read = watch.lap();

        // Held to the end, so that nobody else deploys, rolls back or deletes meanwhile.
        let _lock = self.lock(&app).await?;
        warnings.extend(self.unfit_settings(&manifest).await?);
        let component = self.component(&bundle, backend).await?;
        timings.build = watch.lap();

        let component_digest = blobs::digest(&component);
        let compiled = self.compile(&component_digest, &component).await?;
        timings.compile = watch.lap();

        let candidate = self.candidate_of(manifest, &compiled)?;
        timings.check = watch.lap();

        let digest = bundle.digest();
        let files = Files {
            digest: &digest,
            zip: &zip,
            component_digest: &component_digest,
            component: &component,
        };
        let number = self.record(&candidate, files, &by).await?;
        if let Err(error) = self.migrate(&candidate).await {
            self.forget(&candidate).await;
            return Err(error);
        }
        timings.migrate = watch.lap();

        let entry = Entry::of_app(actor, "app.deploy", &app)
            .with("release", number)
            .with("version", candidate.manifest.version.to_string())
            .with("digest", digest.as_str());
        self.activate(&candidate, entry).await?;
        timings.activate = watch.lap();
        let release = candidate.id;
        tracing::info!(%app, %release, number, by, "deployed");

        Ok(Report {
            app,
            release,
            number,
            version: candidate.manifest.version.to_string(),
            digest,
            warnings,
            timings,
        })
    }

    /// What of the app's settings does not fit what a manifest declares of them.
    async fn unfit_settings(&self, manifest: &Manifest) -> Result<Vec<Finding>, DeployError> {
        let rows = settings::list(self.0.store.pool(), &manifest.app_name).await?;
        let unfit = manifest.settings.iter().filter_map(|setting| {
            let row = rows.iter().find(|row| row.key == setting.key);
            match row {
                Some(row) => {
                    let unfit = setting.admit(&row.value.0).err()?;
                    Some(format!(
                        "a value is set that does not fit, so the default counts: {unfit}"
                    ))
                }
                None if setting.required && setting.default.is_none() => Some(format!(
                    "the setting `{}` is required and not set: `skep settings {} set {} VALUE`",
                    setting.key, manifest.app_name, setting.key
                )),
                None => None,
            }
        });
        Ok(unfit.map(|text| Finding::new("SK-B05", text)).collect())
    }

    /// A turn to deploy. Take it before the upload is read: a bundle is held in memory, and
    /// building one takes a core.
    pub(crate) async fn turn(&self) -> Turn {
        Turn {
            _permit: Arc::clone(&self.0.turns).acquire_owned().await.ok(),
        }
    }

    /// A new release of compiled code, linked.
    fn candidate_of(
        &self,
        manifest: Manifest,
        compiled: &Component,
    ) -> Result<Candidate, DeployError> {
        let id = ReleaseId(self.0.entropy.id(&self.0.clock));
        let image = self
            .0
            .cells
            .prepare(compiled, cell_settings(&manifest, id))?;
        Ok(Candidate {
            id,
            manifest,
            image: Arc::new(image),
        })
    }

    /// Takes the right to change an app, for as long as what comes back lives.
    async fn lock(&self, app: &AppName) -> Result<Transaction<'static, Postgres>, DeployError> {
        let mut tx = self.0.store.pool().begin().await?;
        let until = Instant::now() + LOCK_PATIENCE;
        // Whoever changed it last may have answered already, with the lock on its way back.
        while !apps::lock(&mut tx, app).await? {
            if Instant::now() >= until {
                return Err(DeployError::Busy(app.clone()));
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        Ok(tx)
    }

    /// The bundle's component, or one that is built from its sources.
    async fn component(&self, bundle: &Bundle, backend: Backend) -> Result<Vec<u8>, DeployError> {
        match backend {
            Backend::Component => Ok(bundle
                .file(crate::app::COMPONENT)
                .map(|bytes| bytes.to_vec())
                .unwrap_or_default()),
            Backend::Python => {
                let recipe = Builder::recipe(bundle);
                if let Some(built) = blobs::find_build(self.0.store.pool(), &recipe).await? {
                    return Ok(built);
                }
                let command = build::locate(self.0.builder.as_deref(), &self.0.path)?;
                let built = Builder::new(command, self.0.work.clone())
                    .build(bundle)
                    .await?;
                self.remember_build(&recipe, &built).await?;
                Ok(built)
            }
        }
    }

    async fn remember_build(&self, recipe: &str, component: &[u8]) -> Result<(), DeployError> {
        let digest = blobs::digest(component);
        let mut tx = self.0.store.pool().begin().await?;
        blobs::keep(&mut tx, &digest, component, self.0.clock.now()).await?;
        blobs::keep_build(&mut tx, recipe, &digest).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes down the release that is about to be loaded.
    async fn record(
        &self,
        candidate: &Candidate,
        files: Files<'_>,
        by: &str,
    ) -> Result<i32, DeployError> {
        let now = self.0.clock.now();
        let app = &candidate.manifest.app_name;
        let bundle = blobs::digest(files.zip);
        let release = releases::NewRelease {
            id: candidate.id,
            app,
            manifest: &candidate.manifest,
            digest: files.digest,
            bundle: &bundle,
            component: files.component_digest,
            created_by: by,
            now,
        };

        let mut tx = self.0.store.pool().begin().await?;
        blobs::keep(&mut tx, &bundle, files.zip, now).await?;
        blobs::keep(&mut tx, files.component_digest, files.component, now).await?;
        apps::ensure(&mut tx, app, now).await?;
        let number = releases::insert(&mut tx, release).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Removes every trace of a deploy that failed.
    async fn forget(&self, candidate: &Candidate) {
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

/// What a release's cells are, from its manifest, within the host's ceilings.
fn cell_settings(manifest: &Manifest, release: ReleaseId) -> cell::Settings {
    use std::num::NonZeroU32;

    use cell::limits::{CEILING, CONCURRENCY, CONCURRENCY_CEILING, DEFAULT, MIB};

    let wishes = &manifest.limits;
    let size = |wish: NonZeroU32| usize::try_from(wish.get()).unwrap_or(usize::MAX);
    let wall = wishes.wall_ms.map_or(DEFAULT.wall, |wish| {
        Duration::from_millis(wish.get().into())
    });
    let memory = wishes
        .memory_mb
        .map_or(DEFAULT.memory, |wish| size(wish).saturating_mul(MIB));
    cell::Settings {
        app: manifest.app_name.clone(),
        release,
        instances: manifest.instances,
        budget: cell::limits::Budget {
            wall: wall.min(CEILING.wall),
            memory: memory.min(CEILING.memory),
        },
        concurrency: wishes
            .concurrency
            .map_or(CONCURRENCY, size)
            .min(CONCURRENCY_CEILING),
        credentials: manifest
            .needs
            .credentials
            .iter()
            .map(|credential| credential.name.clone())
            .collect(),
        settings: SettingsGrant::new(&manifest.settings),
    }
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
