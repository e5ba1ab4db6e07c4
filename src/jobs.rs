//! Jobs: work that is queued, run in cells, and told of truthfully.
//!
//! Each node has a [`worker`] that takes jobs and runs each as an [`attempt`], a [`listener`] that
//! wakes it, and a [`reaper`] that gives back what dead nodes left and deletes what is old. The
//! queue is in [`crate::store::jobs`]; what becomes of a job is decided in [`policy`]; what keeps
//! a superseded attempt from committing is [`crate::capability::db::fence`].

mod attempt;
mod listener;
pub(crate) mod policy;
mod reaper;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::capability::db::fence::Fence;
use crate::cell::Cells;
use crate::deploy::{Deployer, Serving};
use crate::ids::{AppName, JobId};
use crate::postgres::AppPools;
use crate::services::{Clock, Entropy, GrantUses};
use crate::store::Store;

/// How long jobs may go on once the node has been asked to stop; what runs then is given back.
const DRAIN: Duration = Duration::from_secs(10);

/// The jobs of one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Shared>);

/// What a node runs jobs with.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) cells: Cells,
    pub(crate) pools: AppPools,
    pub(crate) serving: Serving,
    pub(crate) deployer: Deployer,
    pub(crate) uses: GrantUses,
    pub(crate) settings: Settings,
}

/// How a node runs jobs, from its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    /// How many at once; a node with none queues jobs and leaves them to others.
    pub(crate) at_once: usize,
    /// How long a job stays a node's that is not heard of.
    pub(crate) lease: Duration,
}

struct Shared {
    parts: Parts,
    /// This process's name in the history of attempts.
    node: String,
    places: Arc<Semaphore>,
    wake: Notify,
    running: Mutex<HashMap<JobId, Fence>>,
}

impl Jobs {
    pub(crate) fn new(parts: Parts) -> Self {
        let id = u32::from_le_bytes(parts.entropy.bytes());
        Self(Arc::new(Shared {
            node: format!("node-{id:08x}"),
            places: Arc::new(Semaphore::new(parts.settings.at_once)),
            wake: Notify::new(),
            running: Mutex::default(),
            parts,
        }))
    }

    /// This process's name, as it stands beside each attempt.
    pub(crate) fn node(&self) -> &str {
        &self.0.node
    }

    /// Lets one more job of an app wait, if there is room for it.
    pub(crate) async fn has_room(&self, app: &AppName) -> sqlx::Result<bool> {
        self.0.parts.cells.backlog().admit(app).await
    }

    /// Runs jobs until `stop` is cancelled, then lets those that run come to their end for a
    /// while, and gives the others back.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let listening = tokio::spawn(self.clone().listen());
        let reaping = tokio::spawn(self.clone().reap());
        if self.0.parts.settings.at_once > 0 {
            self.work(&stop).await;
        }
        stop.cancelled().await;
        self.drain().await;
        listening.abort();
        reaping.abort();
    }

    async fn drain(&self) {
        let places = u32::try_from(self.0.parts.settings.at_once).unwrap_or(u32::MAX);
        let all_ended = || self.0.places.acquire_many(places);
        if tokio::time::timeout(DRAIN, all_ended()).await.is_ok() {
            return;
        }
        for fence in self.running().values() {
            fence.stop().cancel();
        }
        // Giving back takes the database, which may be gone; their leases end by themselves.
        let _ = tokio::time::timeout(DRAIN, all_ended()).await;
    }

    fn running(&self) -> MutexGuard<'_, HashMap<JobId, Fence>> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
