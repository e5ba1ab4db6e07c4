//! Gives back the jobs of nodes that are not heard of any more.

use std::time::Duration;

use super::Jobs;
use super::policy::{self, Ending};
use crate::store::jobs;
use crate::store::jobs::attempts::{self, Said};

/// How often a node looks, and says a word so that listeners know that they are heard.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// Jobs that are given back in one transaction.
const EXPIRED: i64 = 100;

impl Jobs {
    pub(super) async fn reap(self) {
        // A short lease is to be noticed soon.
        let every = EVERY.min(self.0.parts.settings.lease / 2);
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "leases could not be looked at");
            }
        }
    }

    pub(super) async fn look(&self) -> sqlx::Result<()> {
        let parts = &self.0.parts;
        jobs::notify(parts.store.pool(), &self.0.node).await?;
        let mut tx = parts.store.pool().begin().await?;
        let expired = attempts::end_expired(&mut tx, EXPIRED).await?;
        for (job, counts) in &expired {
            tracing::warn!(%job, "a job's node was not heard of any more: another takes over");
            let chance = u32::from_le_bytes(parts.entropy.bytes());
            let (counts, next) = policy::next(Ending::Lost, *counts, chance);
            let said = Said::error(attempts::LOST);
            attempts::settle(&mut tx, *job, counts, next, said).await?;
        }
        tx.commit().await
    }
}
