//! The sandbox: a cell is one instance of a release's component, made for a call.
//!
//! It knows no HTTP. A [`Cells`] runs calls of [`Image`]s and answers with a [`call::Outcome`];
//! what a cell may import is decided in [`state`], what it may use in [`crate::limits`].

mod admission;
mod call;
pub(crate) mod compile;
#[cfg(test)]
mod cost;
mod engine;
mod image;
pub(crate) mod inspect;
mod lanes;
mod limits;
mod memory;
mod pool;
mod receipt;
mod scratch;
mod state;

pub(crate) use call::{Call, CallError, Entry, Outcome};
pub(crate) use engine::for_compiling;
pub(crate) use image::ImageFile;
pub(crate) use receipt::{Ending, Receipt, Record, UnknownEnding, Witness};

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::app::manifest::{Egress, Instances};
use crate::app::{Bundle, Grants};
use crate::bindings::AppIndices;
use crate::capability::credentials::policy::CredentialsGrant;
use crate::capability::credentials::vault::Vault;
use crate::capability::egress::Gateway;
use crate::capability::jobs::backlog::Backlog;
use crate::capability::jobs::policy::JobsGrant;
use crate::capability::log::book::LogBook;
use crate::capability::notify::policy::NotifyGrant;
use crate::capability::settings::policy::SettingsGrant;
use crate::ids::{AppName, ReleaseId};
use crate::limits::{Budget, Limits, MIB};
use crate::services::{Clock, HostKey, machine};
use crate::store::Store;
use admission::{Admission, WaitingData};
use image::ImageCache;
use lanes::SlowLane;
use memory::{Division, NodeMemory};
use pool::IdleCells;
use scratch::Scratch;
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
    memory: NodeMemory,
    waiting: WaitingData,
    slow: SlowLane,
    limits: Limits,
    idle: Arc<IdleCells>,
    witness: Arc<dyn Witness>,
    _ticker: engine::Ticker,
}

/// What the capabilities of every cell stand on.
pub(crate) struct Providers {
    /// Requests of apps leave by it.
    pub(crate) gateway: Gateway,
    pub(crate) vault: Vault,
    /// Takes down what apps log.
    pub(crate) book: LogBook,
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) backlog: Backlog,
}

/// The cells that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alive {
    pub(crate) running: usize,
    pub(crate) idle: usize,
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
    /// Where its calls may send requests.
    pub(crate) egress: Arc<[Egress]>,
    /// What the app may do beyond what every app may.
    pub(crate) granted: Arc<Grants>,
    /// The credentials that its calls may read.
    pub(crate) credentials: CredentialsGrant,
    /// The settings that it declares.
    pub(crate) settings: SettingsGrant,
    /// The notifications that its calls may send.
    pub(crate) notifications: NotifyGrant,
    pub(crate) jobs: JobsGrant,
}

/// A release's component, compiled and linked: ready to be called.
pub(crate) struct Image {
    settings: Settings,
    idle: Arc<IdleCells>,
    component: InstancePre<CellState>,
    /// The app's files, where the component is one that runs any app from its sources.
    sources: Option<Scratch>,
    exports: AppIndices,
    optional: inspect::Optional,
    admission: Admission,
}

/// Why a component cannot be an app. Its author can mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnApp {
    #[error(transparent)]
    World(#[from] inspect::Mismatch),
    #[error("the component does not fit the world skep:app@1.0.0: {0}")]
    Link(String),
    #[error("the component does not fit into a cell: {0}")]
    Size(String),
}

impl Cells {
    /// Starts the engine. `data` is the host's data folder, where compiled code is kept;
    /// `providers` are behind what cells import; the witness is told of every call that is over.
    ///
    /// # Errors
    ///
    /// When the limits leave no memory for a cell, the machine cannot give the engine its address space, or the folder is not
    /// writable.
    pub(crate) fn start(
        data: &Path,
        key: &HostKey,
        limits: Limits,
        providers: Providers,
        witness: Arc<dyn Witness>,
    ) -> anyhow::Result<Self> {
        let calls = limits.calls.get();
        let memory = Division::new(&limits, machine::memory(), engine::memories(calls))?;
        tracing::info!(
            total_memory_mb = memory.total / MIB,
            calls,
            "cells share this memory"
        );
        let most = limits.budget(&limits.ceiling).memory;
        let size = engine::Size::new(calls, most, memory.kept);
        let engine = engine::for_running(size, limits.count_fuel)?;
        let linker = state::linker(&engine)
            .map_err(|error| anyhow::anyhow!("the linker cannot be made: {error:#}"))?;
        let cache = ImageCache::open(&image::folder(data), key, &engine)?;
        let ticker = engine::Ticker::start(&engine)?;
        Ok(Self(Arc::new(Shared {
            engine,
            linker,
            cache,
            providers,
            admission: Admission::for_all(number(calls)),
            reserve: Admission::reserve(number(calls)),
            memory: NodeMemory::new(&memory),
            waiting: WaitingData::default(),
            slow: SlowLane::start()?,
            limits,
            idle: Arc::new(IdleCells::new(number(engine::idle(calls)))),
            witness,
            _ticker: ticker,
        })))
    }

    /// How many jobs of each app wait.
    pub(crate) fn backlog(&self) -> &Backlog {
        &self.0.providers.backlog
    }

    /// What calls on this node may use.
    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How many cells run a call, and how many wait for their release's next one.
    pub(crate) fn alive(&self) -> Alive {
        Alive {
            running: self.0.admission.running() + self.0.reserve.running(),
            idle: self.0.idle.count(),
        }
    }

    /// The compiled component of this digest, if it is in the cache.
    pub(crate) fn cached(&self, digest: &str) -> Option<Component> {
        self.0.cache.load(&self.0.engine, digest)
    }

    /// The compiled components in the cache.
    ///
    /// # Errors
    ///
    /// When the cache cannot be read.
    pub(crate) fn images(&self) -> std::io::Result<Vec<ImageFile>> {
        self.0.cache.list()
    }

    /// Removes a compiled component from the cache. Cells that are made of it go on: they do not
    /// need the file.
    ///
    /// # Errors
    ///
    /// When it cannot be removed.
    pub(crate) fn remove_image(&self, image: &ImageFile) -> std::io::Result<()> {
        self.0.cache.remove(image)
    }

    /// Keeps compiled code in the cache, and loads it.
    ///
    /// # Errors
    ///
    /// When the code cannot be kept. Inside, when it wants more than there is for one cell.
    pub(crate) fn keep(
        &self,
        digest: &str,
        code: &[u8],
    ) -> std::io::Result<Result<Component, NotAnApp>> {
        self.0.cache.store(digest, code)?;
        let loaded = self.0.cache.load_new(&self.0.engine, digest);
        Ok(loaded.map_err(|error| NotAnApp::Size(format!("{error:#}"))))
    }

    /// What a component imports of the host, for people to see.
    pub(crate) fn capabilities(&self, component: &Component) -> BTreeSet<String> {
        inspect::capabilities(component, &self.0.engine)
    }

    /// Makes a component ready to be called; `sources` is what it runs, where it is the one that
    /// runs apps from their sources.
    ///
    /// # Errors
    ///
    /// When it imports what a cell does not offer, or does not export what an app must.
    pub(crate) fn prepare(
        &self,
        component: &Component,
        settings: Settings,
        sources: Option<&Bundle>,
    ) -> Result<Image, NotAnApp> {
        inspect::check(component, &self.0.engine)?;
        let link = |error: wasmtime::Error| NotAnApp::Link(format!("{error:#}"));
        let linked = self.0.linker.instantiate_pre(component).map_err(link)?;
        let sources = sources
            .map(|bundle| Scratch::of_bundle(bundle, Clock::system()))
            .transpose()
            .map_err(|error| NotAnApp::Link(format!("{error:#}")))?;
        Ok(Image {
            sources,
            exports: AppIndices::new(&linked).map_err(link)?,
            optional: inspect::optional_exports(component),
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

    /// How many of its calls run or have the next place.
    pub(crate) fn running(&self) -> usize {
        self.admission.running()
    }

    /// How many of its calls wait for a place.
    pub(crate) fn waiting(&self) -> usize {
        self.admission.waiting()
    }

    /// Whether the component wants to be loaded before it goes live.
    pub(crate) fn has_load(&self) -> bool {
        self.optional.load.is_some()
    }

    /// Whether the component can be told of its app's life.
    pub(crate) fn has_hook(&self) -> bool {
        self.optional.hook.is_some()
    }

    /// Whether the component has tasks.
    pub(crate) fn has_task(&self) -> bool {
        self.optional.task.is_some()
    }
}

fn number(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

impl Drop for Image {
    /// The last call of a release has ended, or it never had one.
    fn drop(&mut self) {
        self.idle.retire(self.settings.release);
    }
}
