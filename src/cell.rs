//! The sandbox: a cell is one instance of a release's component, made for a call.
//!
//! It knows no HTTP. A [`Cells`] runs calls of [`Image`]s and answers with a [`call::Outcome`];
//! what a cell may import is decided in [`state`], what it may use in [`limits`].

mod admission;
mod call;
pub(crate) mod compile;
mod engine;
mod image;
pub(crate) mod inspect;
pub(crate) mod limits;
mod pool;
mod state;

pub(crate) use call::{Call, CallError, Entry, Receipt};
pub(crate) use engine::for_compiling;

use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use crate::app::manifest::Instances;
use crate::bindings::AppIndices;
use crate::capability::credentials::policy::CredentialsGrant;
use crate::capability::credentials::vault::Vault;
use crate::capability::settings::policy::SettingsGrant;
use crate::ids::{AppName, ReleaseId};
use crate::services::{Clock, HostKey};
use crate::store::Store;
use admission::Admission;
use image::ImageCache;
use limits::Budget;
use pool::IdleCells;
use state::CellState;

/// Runs calls in cells. One for the process, cheap to clone.
#[derive(Clone)]
pub(crate) struct Cells(Arc<Shared>);

struct Shared {
    engine: Engine,
    linker: Linker<CellState>,
    cache: ImageCache,
    providers: Providers,
    admission: Admission,
    reserve: Admission,
    idle: Arc<IdleCells>,
    _ticker: engine::Ticker,
}

/// What the capabilities of every cell stand on.
pub(crate) struct Providers {
    pub(crate) vault: Vault,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
}

/// What a release is to its cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) app: AppName,
    pub(crate) release: ReleaseId,
    pub(crate) instances: Instances,
    pub(crate) budget: Budget,
    /// How many calls run at once; more wait.
    pub(crate) concurrency: usize,
    /// The credentials that its calls may read.
    pub(crate) credentials: CredentialsGrant,
    /// The settings that it declares.
    pub(crate) settings: SettingsGrant,
}

/// A release's component, compiled and linked: ready to be called.
pub(crate) struct Image {
    settings: Settings,
    idle: Arc<IdleCells>,
    component: InstancePre<CellState>,
    exports: AppIndices,
    load: Option<ComponentExportIndex>,
    admission: Admission,
}

/// Why a component cannot be an app. Its author can mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnApp {
    #[error(transparent)]
    World(#[from] inspect::Mismatch),
    #[error("the component does not fit the world skep:app@1.0.0: {0}")]
    Link(String),
}

impl Cells {
    /// Starts the engine. `data` is the host's data folder, where compiled code is kept;
    /// `providers` are behind what cells import.
    ///
    /// # Errors
    ///
    /// When the machine cannot give the engine its address space, or the folder is not
    /// writable.
    pub(crate) fn start(data: &Path, key: &HostKey, providers: Providers) -> anyhow::Result<Self> {
        let engine = engine::for_running()?;
        let linker = state::linker(&engine)
            .map_err(|error| anyhow::anyhow!("the linker cannot be made: {error:#}"))?;
        let cache = ImageCache::open(image::folder(data), key, &engine)?;
        let ticker = engine::Ticker::start(&engine)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            cache,
            providers,
            admission: Admission::for_all(),
            reserve: Admission::reserve(),
            idle: Arc::default(),
            _ticker: ticker,
        })))
    }

    /// The compiled component of this digest, if it is in the cache.
    pub(crate) fn cached(&self, digest: &str) -> Option<Component> {
        self.0.cache.load(&self.0.engine, digest)
    }

    /// Keeps compiled code in the cache, and loads it.
    ///
    /// # Errors
    ///
    /// When the code cannot be kept or, which would be our fault, does not load.
    pub(crate) fn keep(&self, digest: &str, code: &[u8]) -> anyhow::Result<Component> {
        self.0.cache.store(digest, code)?;
        self.cached(digest)
            .ok_or_else(|| anyhow::anyhow!("compiled code of {digest} does not load"))
    }

    /// Makes a component ready to be called.
    ///
    /// # Errors
    ///
    /// When it imports what a cell does not offer, or does not export what an app must.
    pub(crate) fn prepare(
        &self,
        component: &Component,
        settings: Settings,
    ) -> Result<Image, NotAnApp> {
        inspect::check(component, &self.0.engine)?;
        let link = |error: wasmtime::Error| NotAnApp::Link(format!("{error:#}"));
        let linked = self.0.linker.instantiate_pre(component).map_err(link)?;
        Ok(Image {
            exports: AppIndices::new(&linked).map_err(link)?,
            load: inspect::load_export(component),
            component: linked,
            idle: Arc::clone(&self.0.idle),
            admission: Admission::for_app(settings.concurrency),
            settings,
        })
    }
}

impl Image {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether the component wants to be loaded before it goes live.
    pub(crate) fn has_load(&self) -> bool {
        self.load.is_some()
    }
}

impl Drop for Image {
    /// The last call of a release has ended, or it never had one.
    fn drop(&mut self) {
        self.idle.retire(self.settings.release);
    }
}
