//! What one process shares: the clock, randomness, the host's key, the pool.
//!
//! Handlers get a [`Services`] as their axum state. Nothing here decides anything.

mod clock;
mod entropy;
mod key;
pub(crate) mod machine;
mod places;
mod sealing;
mod uses;

pub(crate) use clock::Clock;
pub(crate) use entropy::Entropy;
pub(crate) use key::HostKey;
pub(crate) use places::{Full, Place, Places};
pub(crate) use sealing::{KeysError, Label, OpenError, Sealed, Sealing};
pub(crate) use uses::GrantUses;

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::auth::Auth;
use crate::capability::credentials::vault::Vault;
use crate::capability::log::book::LogBook;
use crate::cell::Cells;
use crate::config::Config;
use crate::deploy::{Deployer, Serving};
use crate::jobs::Jobs;
use crate::ledger::Ledger;
use crate::live::Live;
use crate::notify::Notifications;
use crate::postgres::{AppPools, Health};
use crate::retention::Retention;
use crate::schedules::Schedules;
use crate::shell::Frontends;
use crate::store::Store;

/// Everything that a request may need. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) store: Store,
    /// How the embedded database is; none where the operator runs their own.
    pub(crate) database_health: Option<watch::Receiver<Health>>,
    pub(crate) auth: Auth,
    pub(crate) cells: Cells,
    /// What calls have used.
    pub(crate) ledger: Ledger,
    /// What apps have logged.
    pub(crate) book: LogBook,
    /// Who follows logs.
    pub(crate) followers: Places,
    pub(crate) pools: AppPools,
    pub(crate) serving: Serving,
    /// What apps have for browsers.
    pub(crate) frontends: Frontends,
    pub(crate) deployer: Deployer,
    pub(crate) jobs: Jobs,
    /// What is kept, and how the rest goes.
    pub(crate) retention: Retention,
    pub(crate) vault: Vault,
    pub(crate) notifications: Notifications,
    pub(crate) uses: GrantUses,
    pub(crate) schedules: Schedules,
    /// None but where apps are developed.
    pub(crate) live: Option<Live>,
    /// Cancelled when the process has been asked to stop.
    pub(crate) draining: CancellationToken,
}
