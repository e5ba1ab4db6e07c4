//! Deletes notifications that are old, or too many of one app, in pieces that keep nobody waiting.

use std::time::Duration;

use super::Notifications;
use crate::ids::AppName;
use crate::store::notifications::purge;
use crate::store::webhooks::deliveries;
use time::OffsetDateTime;

/// How often it is looked for what is to go.
const PAUSE: Duration = Duration::from_secs(60);
/// Notifications that are deleted in one transaction.
const CHUNK: i64 = 500;
/// How long it is kept what webhooks have sent.
const HISTORY: Duration = Duration::from_secs(14 * 24 * 3_600);

impl Notifications {
    /// Purges for as long as the process lives.
    pub(super) async fn keep_purging(self) {
        let mut ticks = tokio::time::interval(PAUSE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if let Err(error) = self.purge().await {
                tracing::warn!(%error, "old notifications could not be deleted");
            }
        }
    }

    /// Deletes what is over what is kept, unless another node is doing it.
    pub(super) async fn purge(&self) -> sqlx::Result<()> {
        let parts = &self.0.parts;
        let now = parts.clock.now();
        self.remove(Surplus::Older(now - parts.settings.keep))
            .await?;
        let pool = parts.store.pool();
        for (app, id) in purge::over_ceiling(pool, parts.settings.keep_of_one).await? {
            self.remove(Surplus::UpTo(&app, id)).await?;
        }
        while deliveries::delete_finished(pool, HISTORY, CHUNK).await? > 0 {}
        Ok(())
    }

    async fn remove(&self, surplus: Surplus<'_>) -> sqlx::Result<()> {
        loop {
            let mut tx = self.0.parts.store.pool().begin().await?;
            if !purge::lock(&mut tx).await? {
                return Ok(());
            }
            let deleted = match surplus {
                Surplus::Older(than) => purge::delete_older(&mut *tx, than, CHUNK).await?,
                Surplus::UpTo(app, id) => purge::delete_up_to(&mut *tx, app, id, CHUNK).await?,
            };
            tx.commit().await?;
            if deleted < CHUNK {
                return Ok(());
            }
        }
    }
}

/// What is to go.
#[derive(Clone, Copy)]
enum Surplus<'a> {
    /// Those that were triggered before this.
    Older(OffsetDateTime),
    /// Those of an app up to this one.
    UpTo(&'a AppName, i64),
}
