//! Connections that are logged in as an app's own role: a small pool for each app, made
//! when it is first asked for.
//!
//! All pools draw from one number of slots, so that many apps cannot take more connections
//! than the server has. Idle ones close after a while, or at once when slots run out.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use deadpool_postgres::{
    Connect, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, TimeoutType, Timeouts,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, Config, NoTls};

use super::roles::{Role, Roles};
use super::server::attend;
use crate::ids::AppName;

/// How many connections there may be, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    /// Of one app.
    pub(crate) per_app: usize,
    /// Of all apps together, deploys included.
    pub(crate) total: usize,
    /// How long a connection that nobody uses stays open.
    pub(crate) idle: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            per_app: 8,
            total: 64,
            idle: Duration::from_secs(60),
        }
    }
}

/// The pools of all apps. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppPools(Arc<Shared>);

struct Shared {
    roles: Roles,
    limits: PoolLimits,
    slots: Arc<Semaphore>,
    pools: Mutex<HashMap<AppName, Pool>>,
}

/// Why there is no connection for an app.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PoolError {
    /// The same call may succeed later.
    #[error("every database connection of this app is in use")]
    Busy,
    #[error("cannot connect to the database: {0}")]
    Connect(#[source] tokio_postgres::Error),
    #[error("the pool of connections failed: {0}")]
    Pool(String),
}

impl AppPools {
    /// Starts without a connection. Needs a tokio runtime, to close idle ones later.
    pub(crate) fn new(roles: Roles, limits: PoolLimits) -> Self {
        let shared = Arc::new(Shared {
            roles,
            limits,
            slots: Arc::new(Semaphore::new(limits.total)),
            pools: Mutex::default(),
        });
        tokio::spawn(close_idle(Arc::downgrade(&shared), limits.idle));
        Self(shared)
    }

    /// A connection as the app's role, given back when it is dropped.
    ///
    /// It is as its last user gave it back: in no transaction, and otherwise as new.
    ///
    /// # Errors
    ///
    /// When none comes free in `wait`, or the server cannot be reached.
    pub(crate) async fn get(&self, app: &AppName, wait: Duration) -> Result<Object, PoolError> {
        let pool = self.pool(app)?;
        let timeouts = Timeouts {
            wait: Some(wait),
            create: Some(wait),
            recycle: Some(wait),
        };
        pool.timeout_get(&timeouts).await.map_err(translate)
    }

    /// A connection as the app's owner role, for one deploy. It closes when dropped.
    ///
    /// # Errors
    ///
    /// When none comes free in `wait`, or the server cannot be reached.
    pub(crate) async fn owner(&self, app: &AppName, wait: Duration) -> Result<Client, PoolError> {
        let config = self.0.roles.config(app, Role::Owner);
        let (client, _) = tokio::time::timeout(wait, self.connector().open(config))
            .await
            .map_err(|_| PoolError::Busy)?
            .map_err(PoolError::Connect)?;
        Ok(client)
    }

    /// What the database wants to be told by whoever queues a job of the app.
    pub(crate) fn queue_secret(&self, app: &AppName) -> Vec<u8> {
        self.0.roles.queue_secret(app)
    }

    /// How many connections of apps there are, idle ones included.
    pub(crate) fn connections(&self) -> usize {
        let free = self.0.slots.available_permits();
        self.0.limits.total.saturating_sub(free)
    }

    /// Closes an app's connections; those in use close when they are given back.
    pub(crate) fn evict(&self, app: &AppName) {
        if let Some(pool) = self.0.lock().remove(app) {
            pool.close();
        }
    }

    fn pool(&self, app: &AppName) -> Result<Pool, PoolError> {
        if let Some(pool) = self.0.lock().get(app) {
            return Ok(pool.clone());
        }
        let manager = Manager::from_connect(
            self.0.roles.config(app, Role::App),
            self.connector(),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let pool = Pool::builder(manager)
            .max_size(self.0.limits.per_app)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| PoolError::Pool(error.to_string()))?;
        Ok(self.0.lock().entry(app.clone()).or_insert(pool).clone())
    }

    fn connector(&self) -> Connector {
        Connector {
            shared: Arc::downgrade(&self.0),
            slots: self.0.slots.clone(),
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AppName, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes connections that nobody has used for this long. Empty pools stay: one may be
    /// opening its first connection just now.
    fn close_idle(&self, idle: Duration) {
        for pool in self.lock().values() {
            pool.retain(|_, metrics| metrics.last_used() < idle);
        }
    }
}

async fn close_idle(shared: Weak<Shared>, idle: Duration) {
    // Often enough that nothing stays much longer than it may.
    let mut ticks = tokio::time::interval(idle / 4 + Duration::from_millis(1));
    loop {
        ticks.tick().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        shared.close_idle(idle);
    }
}

/// Cancels on the server what a connection is running at this moment.
///
/// # Errors
///
/// When the server cannot be reached. It does not say whether anything was running.
pub(crate) async fn cancel(token: CancelToken) -> Result<(), tokio_postgres::Error> {
    token.cancel_query(NoTls).await
}

/// Opens connections, each in a slot.
struct Connector {
    shared: Weak<Shared>,
    slots: Arc<Semaphore>,
}

impl Connector {
    async fn open(
        &self,
        config: Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let slot = self.slot().await;
        let (client, connection) = config.connect(NoTls).await?;
        let task = tokio::spawn(async move {
            attend(connection).await;
            drop(slot);
        });
        Ok((client, task))
    }

    /// Waits for a slot, and asks the idle connections of all apps for theirs meanwhile.
    async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        const ASK_AGAIN: Duration = Duration::from_millis(20);
        if let Ok(slot) = self.slots.clone().try_acquire_owned() {
            return Some(slot);
        }
        let mut slot = std::pin::pin!(self.slots.clone().acquire_owned());
        loop {
            if let Some(shared) = self.shared.upgrade() {
                shared.close_idle(Duration::ZERO);
            }
            if let Ok(slot) = tokio::time::timeout(ASK_AGAIN, &mut slot).await {
                // An error would mean that the slots were closed, which nobody does.
                return slot.ok();
            }
        }
    }
}

type Opening<'a> = Pin<
    Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>,
>;

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Opening<'_> {
        let config = config.clone();
        Box::pin(self.open(config))
    }
}

fn translate(error: deadpool_postgres::PoolError) -> PoolError {
    use deadpool_postgres::PoolError as Cause;
    match error {
        Cause::Timeout(TimeoutType::Wait | TimeoutType::Create) => PoolError::Busy,
        Cause::Backend(error) => PoolError::Connect(error),
        Cause::Timeout(TimeoutType::Recycle)
        | Cause::Closed
        | Cause::NoRuntimeSpecified
        | Cause::PostCreateHook(_) => PoolError::Pool(error.to_string()),
    }
}
