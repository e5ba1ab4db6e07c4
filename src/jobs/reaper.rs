//! Gives back the jobs of nodes that are not heard of any more, and deletes old ones.

use std::time::Duration;

use super::Jobs;
use super::policy::{self, Ending};
use crate::store::jobs::{self, attempts};

/// How often a node looks, and says a word so that listeners know that they are heard.
pub(super) const EVERY: Duration = Duration::from_secs(5);
/// How often old jobs are deleted, in looks.
const PURGE_EVERY: u32 = 120;
/// Jobs that are given back, or deleted, in one transaction.
const EXPIRED: i64 = 100;
const CHUNK: i64 = 500;

impl Jobs {
    pub(super) async fn reap(self) {
        // A short lease is to be noticed soon.
        let every = EVERY.min(self.0.parts.settings.lease / 2);
        let mut looks = 0_u32;
        loop {
            tokio::time::sleep(every).await;
            if let Err(error) = self.look().await {
                tracing::warn!(%error, "leases could not be looked at");
            }
            looks = looks.wrapping_add(1);
            if looks.is_multiple_of(PURGE_EVERY)
                && let Err(error) = self.purge().await
            {
                tracing::warn!(%error, "old jobs could not be deleted");
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
            attempts::settle(&mut tx, *job, counts, next, attempts::LOST).await?;
        }
        tx.commit().await
    }

    async fn purge(&self) -> sqlx::Result<()> {
        let parts = &self.0.parts;
        let settings = parts.settings;
        for app in jobs::apps(parts.store.pool()).await? {
            loop {
                let purged = jobs::purge(
                    parts.store.pool(),
                    &app,
                    settings.keep_days,
                    settings.keep,
                    CHUNK,
                );
                if purged.await? == 0 {
                    break;
                }
            }
        }
        Ok(())
    }
}
