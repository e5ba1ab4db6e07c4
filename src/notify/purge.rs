//! Deletes notifications that are old, or too many of one app, in pieces that keep nobody waiting.

use std::time::Duration;

use super::Notifications;
use crate::ids::AppName;
use crate::store::notifications::purge;
use crate::store::webhooks::deliveries;
use time::OffsetDateTime;

/// Notifications that are deleted in one transaction.
const CHUNK: i64 = 500;
/// How long it is kept what webhooks have sent.
const HISTORY: Duration = Duration::from_secs(14 * 24 * 3_600);

impl Notifications {
    /// Deletes what is over what is kept, unless another node is doing it. What comes back is how
    /// many notifications went.
    pub(crate) async fn purge(&self) -> sqlx::Result<i64> {
        let parts = &self.0.parts;
        let mut gone = self
            .purge_older(parts.clock.now() - parts.settings.keep)
            .await?;
        let pool = parts.store.pool();
        for (app, id) in purge::over_ceiling(pool, parts.settings.keep_of_one).await? {
            gone += self.remove(Surplus::UpTo(&app, id)).await?;
        }
        while deliveries::delete_finished(pool, HISTORY, CHUNK).await? > 0 {}
        Ok(gone)
    }

    /// Deletes those that were triggered before a time.
    pub(crate) async fn purge_older(&self, than: OffsetDateTime) -> sqlx::Result<i64> {
        self.remove(Surplus::Older(than)).await
    }

    async fn remove(&self, surplus: Surplus<'_>) -> sqlx::Result<i64> {
        let mut gone = 0;
        loop {
            let mut tx = self.0.parts.store.pool().begin().await?;
            if !purge::lock(&mut tx).await? {
                return Ok(gone);
            }
            let deleted = match surplus {
                Surplus::Older(than) => purge::delete_older(&mut *tx, than, CHUNK).await?,
                Surplus::UpTo(app, id) => purge::delete_up_to(&mut *tx, app, id, CHUNK).await?,
            };
            tx.commit().await?;
            gone += deleted;
            if deleted < CHUNK {
                return Ok(gone);
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
