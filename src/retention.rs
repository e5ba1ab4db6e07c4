//! What is kept, how much of it there is, and how the rest goes.
//!
//! What is kept and for how long is said in [`policy`]. Everything goes piece by piece, each in a
//! transaction of its own, so that nobody waits for a purge; one node purges a kind at a time,
//! and whoever goes on finds the rest.

mod files;
mod policy;
mod releases;
mod tables;

pub(crate) use policy::{Keep, Kind, UnknownKind};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use crate::cell::Cells;
use crate::notify::Notifications;
use crate::services::Clock;
use crate::store::Store;
use crate::store::retention::{self, Measure};

/// How often it is looked for what is too old or too much, and for what is slow to find.
const PAUSE: Duration = Duration::from_secs(60);
const SLOW_EVERY: u32 = 60;

/// Shows and purges what is kept. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Retention(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) keep: Keep,
    pub(crate) cells: Cells,
    pub(crate) notifications: Notifications,
    /// Where builds work.
    pub(crate) work: PathBuf,
}

/// What is to be purged of a kind.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Order {
    /// What is older than this, rather than what the policy says.
    pub(crate) older_than: Option<time::Duration>,
    /// Only to say what would go.
    pub(crate) dry_run: bool,
}

/// What went, or would go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    /// Rows, releases or files.
    pub(crate) rows: i64,
    /// None where it is not known.
    pub(crate) bytes: Option<i64>,
}

/// Why a kind is not purged.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    #[error("another node is purging the {0} just now: try again in a minute")]
    Busy(Kind),
    #[error("the audit log is never purged: `skep audit cut` exports and shortens it")]
    Audit,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("files of the {0} cannot be removed: {1}")]
    Files(Kind, #[source] std::io::Error),
}

impl Retention {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub(crate) fn keep(&self) -> &Keep {
        &self.0.keep
    }

    /// Purges for as long as the process lives.
    pub(crate) async fn run(self) {
        let mut ticks = tokio::time::interval(PAUSE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looks = 0_u32;
        loop {
            ticks.tick().await;
            let slow = looks.is_multiple_of(SLOW_EVERY);
            looks = looks.wrapping_add(1);
            let due = |kind: &&Kind| match kind {
                Kind::Calls | Kind::Logs | Kind::Notifications => true,
                Kind::Jobs | Kind::CredentialReads | Kind::Releases | Kind::Images | Kind::Work => {
                    slow
                }
                Kind::Audit => false,
            };
            for kind in Kind::ALL.iter().filter(due) {
                match self.purge(*kind, Order::default()).await {
                    Ok(Gone { rows, .. }) if rows > 0 && slow => {
                        tracing::info!(%kind, rows, "purged");
                    }
                    // Another node is at work, and will be done.
                    Ok(_) | Err(PurgeError::Busy(_)) => {}
                    Err(error) => {
                        let error = format!("{:#}", anyhow::Error::from(error));
                        tracing::warn!(%kind, error, "what is too old could not be purged");
                    }
                }
            }
        }
    }

    /// How much there is of a kind. Of images and work, that of this node.
    pub(crate) async fn measure(&self, kind: Kind) -> Result<Measure, PurgeError> {
        let pool = self.0.store.pool();
        Ok(match kind {
            Kind::Calls => retention::calls(pool).await?,
            Kind::Logs => retention::logs(pool).await?,
            Kind::Jobs => retention::jobs(pool).await?,
            Kind::Notifications => retention::notifications(pool).await?,
            Kind::CredentialReads => retention::credential_reads(pool).await?,
            Kind::Releases => retention::releases(pool).await?,
            Kind::Audit => retention::audit(pool).await?,
            Kind::Images => self.measure_images()?,
            Kind::Work => self.measure_work()?,
        })
    }

    /// Removes what is too old or too much of a kind, or says what that is.
    ///
    /// # Errors
    ///
    /// When another node purges it just now, it is never purged, or the database or files fail.
    /// What went before stays gone.
    pub(crate) async fn purge(&self, kind: Kind, order: Order) -> Result<Gone, PurgeError> {
        match kind {
            Kind::Calls => self.purge_calls(order).await,
            Kind::Logs => self.purge_logs(order).await,
            Kind::Jobs => self.purge_jobs(order).await,
            Kind::Notifications => self.purge_notifications(order).await,
            Kind::CredentialReads => self.purge_credential_reads(order).await,
            Kind::Releases => self.purge_releases(order).await,
            Kind::Images => self.purge_images(order).await,
            Kind::Work => self.purge_work(order),
            Kind::Audit => Err(PurgeError::Audit),
        }
    }

    /// What is older than this goes.
    fn cutoff(&self, kind: Kind, order: Order) -> OffsetDateTime {
        let age = order.older_than.or_else(|| kind.age(&self.0.keep));
        let now = self.0.clock.now();
        now.checked_sub(age.unwrap_or_default()).unwrap_or(now)
    }
}

impl Gone {
    fn rows(rows: i64) -> Self {
        Self { rows, bytes: None }
    }

    fn sized(rows: i64, bytes: i64) -> Self {
        Self {
            rows,
            bytes: Some(bytes),
        }
    }

    fn add(&mut self, more: Self) {
        self.rows += more.rows;
        self.bytes = match (self.bytes, more.bytes) {
            (Some(bytes), Some(more)) => Some(bytes + more),
            (bytes, None) | (None, bytes) => bytes,
        };
    }
}

#[cfg(test)]
pub(crate) mod tests;
