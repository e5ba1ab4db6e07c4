//! Notifications: what apps fire reaches the users who subscribed, on whatever node they listen.
//!
//! What is fired is a row first: of a sync call through the [`outbox`], of a job in the
//! transaction that completes it. Each node reads the rows in their one order ([`delivery`]), woken
//! by the [`listener`] and by the clock, and hands frames to the [`registry`]'s subscribers. Who
//! was away reads from the table what was missed ([`replay`]). Operators have some sent on by HTTP
//! ([`webhooks`]).

mod delivery;
pub(crate) mod frame;
mod listener;
mod outbox;
mod purge;
pub(crate) mod queue;
mod registry;
mod replay;
#[cfg(test)]
mod tests;
pub(crate) mod webhooks;

pub(crate) use registry::{Full, Subscriber};
pub(crate) use replay::{Sink, Stopped};

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::app::Origin;
use crate::auth::Auth;
use crate::capability::credentials::vault::Vault;
use crate::capability::egress::Gateway;
use crate::capability::notify::policy::Fired;
use crate::ids::AppName;
use crate::services::{Clock, Entropy};
use crate::store::Store;
use outbox::Outbox;
use registry::Registry;
use webhooks::Sending;

/// How long subscribers may take to go when the node stops.
const GOODBYE: Duration = Duration::from_secs(5);

/// The notifications of one node. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Notifications(Arc<Shared>);

/// What they stand on.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) auth: Auth,
    /// Keeps the secrets of webhooks.
    pub(crate) vault: Vault,
    /// Webhooks leave by it.
    pub(crate) gateway: Gateway,
    /// Where they may lead.
    pub(crate) webhook_origins: Arc<[Origin]>,
    pub(crate) settings: Settings,
}

/// How a node keeps and sends notifications, from its configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Sockets and streams that are open at once, and those of one user.
    pub(crate) sockets: usize,
    pub(crate) sockets_of_one: usize,
    /// How long a notification is kept, and how many of one app.
    pub(crate) keep: time::Duration,
    pub(crate) keep_of_one: i64,
    /// How often a socket is asked for a sign of life.
    pub(crate) ping: Duration,
}

impl Settings {
    pub(crate) fn new(config: &crate::config::Config) -> Self {
        let size = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        Self {
            sockets: size(config.notify_sockets),
            sockets_of_one: size(config.notify_sockets_per_user),
            keep: time::Duration::hours(config.retention.notifications_hours.get().into()),
            keep_of_one: config.retention.notifications_rows.get().into(),
            ping: Duration::from_secs(30),
        }
    }
}

struct Shared {
    parts: Parts,
    outbox: Outbox,
    registry: Registry,
    sending: Sending,
    /// Something may be new.
    wake: Arc<Notify>,
}

impl Notifications {
    /// Starts the writer of the outbox. Needs a tokio runtime.
    pub(crate) fn new(parts: Parts) -> Self {
        let wake = Arc::<Notify>::default();
        Self(Arc::new(Shared {
            outbox: Outbox::start(parts.store.clone(), Arc::clone(&wake)),
            registry: Registry::new(parts.settings),
            sending: Sending::default(),
            wake,
            parts,
        }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.parts.settings
    }

    /// Where webhooks may lead.
    pub(crate) fn webhook_origins(&self) -> &[Origin] {
        &self.0.parts.webhook_origins
    }

    /// Delivers until `stop` is cancelled, then lets the subscribers go.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let tasks = [
            tokio::spawn(self.clone().listen()),
            tokio::spawn(self.clone().deliver()),
            tokio::spawn(self.clone().send_webhooks()),
        ];
        stop.cancelled().await;
        self.0.registry.close();
        // Who does not go is cut with the process.
        let _ = tokio::time::timeout(GOODBYE, self.0.registry.at_most(0)).await;
        for task in tasks {
            task.abort();
        }
    }

    /// Hands over what a call that succeeded has fired. Nobody waits for it to be written.
    pub(crate) fn send(&self, app: &AppName, fired: Vec<Fired>) {
        if !fired.is_empty() {
            self.0.outbox.push(app, fired, self.0.parts.clock.now());
        }
    }

    /// Waits until what was handed over is written, or lost, for so long at most.
    pub(crate) async fn flush(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.0.outbox.flush())
            .await
            .is_err()
        {
            tracing::warn!("the last notifications may not be written");
        }
    }
}
