//! Schedules: work that apps have done again and again, fired once over all nodes.
//!
//! Each node looks for what is due, and sleeps until the next time in between. A firing is one
//! transaction that holds the schedule's row, decides by [`crate::app::schedule`], queues the
//! job and plans the next firing, so that neither many nodes nor a crash fire twice or never.

mod fire;
mod listener;

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::services::{Clock, Entropy};
use crate::store::{Store, schedules};

pub(crate) use fire::{Fired, NotFired};

/// How long a node sleeps at most: words get lost, and clocks are set.
const POLL: Duration = Duration::from_secs(15);
/// And at least, where something is due that another node is at work on.
const LEAST: Duration = Duration::from_millis(100);
/// How long a node waits for a database that is away.
const AWAY: Duration = Duration::from_secs(5);
/// Schedules that are fired in one transaction.
const BATCH: i64 = 100;
/// How long a firing waits for what locks the job that it cancels.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '5s'";
/// When a firing that did not succeed is tried again.
const RETRY: time::Duration = time::Duration::minutes(1);

/// The schedules of all apps, as one node fires them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Schedules(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    entropy: Entropy,
    wake: Notify,
}

impl Schedules {
    pub(crate) fn new(store: Store, clock: Clock, entropy: Entropy) -> Self {
        Self(Arc::new(Shared {
            store,
            clock,
            entropy,
            wake: Notify::new(),
        }))
    }

    /// Fires what is due until `stop` is cancelled.
    pub(crate) async fn run(&self, stop: CancellationToken) {
        let listening = tokio::spawn(self.clone().listen());
        loop {
            // A transaction that is dropped is rolled back.
            let pause = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                round = self.round() => round.unwrap_or_else(|error| {
                    tracing::warn!(%error, "schedules could not be looked at; looking again");
                    AWAY
                }),
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        listening.abort();
    }

    /// Fires all that is due. What comes back is for how long nothing is.
    async fn round(&self) -> sqlx::Result<Duration> {
        while self.look(None).await? {}
        let idle = schedules::idle_for(self.0.store.pool()).await?;
        // One that is due already is another node's.
        let idle = idle.and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok());
        Ok(idle.unwrap_or(POLL).clamp(LEAST, POLL))
    }

    /// Fires some of what is due, by the database's clock or at a given time. What comes back is
    /// whether there may be more.
    pub(crate) async fn look(&self, at: Option<OffsetDateTime>) -> sqlx::Result<bool> {
        let mut tx = self.0.store.pool().begin().await?;
        sqlx::query(LOCK_TIMEOUT).execute(&mut *tx).await?;
        let now = match at {
            Some(at) => at,
            None => schedules::now(&mut *tx).await?,
        };
        let settled = schedules::runs::settle(&mut tx, BATCH).await?;
        let mut taken = 0;
        for ready in schedules::runs::ready(&mut tx, BATCH).await? {
            taken += usize::from(self.take_turn(&mut tx, &ready).await?);
        }
        let due = schedules::due(&mut tx, now, BATCH).await?;
        for due in &due {
            self.fire_apart(&mut tx, due, now).await?;
        }
        tx.commit().await?;
        let batch = usize::try_from(BATCH).unwrap_or(usize::MAX);
        // What did not succeed waits, and is not looked at again at once.
        Ok([settled, taken, due.len()].contains(&batch))
    }
}

#[cfg(test)]
mod tests;
