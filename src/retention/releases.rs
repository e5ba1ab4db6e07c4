//! Releases that nobody will go back to, and the bundles and components of them.

use super::{Gone, Kind, Order, PurgeError, Retention};
use crate::store::{apps, blobs, releases};

/// Bundles and components that go in one transaction.
const BLOBS: i64 = 8;
/// An app whose active release is younger than this is left alone: calls may still run on those
/// before it.
const SETTLED: time::Duration = time::Duration::HOUR;

impl Retention {
    pub(super) async fn purge_releases(&self, order: Order) -> Result<Gone, PurgeError> {
        let pool = self.0.store.pool();
        let now = self.0.clock.now();
        let surplus = releases::Surplus {
            beyond: self.0.keep.releases.get().into(),
            created_before: self.cutoff(Kind::Releases, order),
            settled_since: now - SETTLED,
        };
        let mut gone = Gone::sized(0, 0);
        for app in apps::names(pool).await? {
            let found = releases::surplus(pool, &app, &surplus).await?;
            if order.dry_run {
                let rows = i64::try_from(found.len()).unwrap_or(i64::MAX);
                gone.add(Gone::sized(rows, releases::bytes(pool, &found).await?));
                continue;
            }
            if found.is_empty() {
                continue;
            }
            let mut tx = pool.begin().await?;
            // Who deploys it just now may go back to one of them: next time.
            if !apps::lock(&mut tx, &app).await? {
                continue;
            }
            let numbers = releases::delete_surplus(&mut *tx, &app, &surplus).await?;
            tx.commit().await?;
            tracing::info!(%app, ?numbers, "removed releases that nobody will go back to");
            gone.add(Gone::rows(i64::try_from(numbers.len()).unwrap_or(i64::MAX)));
        }
        if !order.dry_run {
            gone.add(self.sweep_blobs().await?);
        }
        Ok(gone)
    }

    /// Removes bundles and components that no release needs, a few at a time.
    async fn sweep_blobs(&self) -> Result<Gone, PurgeError> {
        let mut gone = Gone::sized(0, 0);
        loop {
            let mut tx = self.0.store.pool().begin().await?;
            let (blobs, bytes) = blobs::sweep_some(&mut tx, BLOBS).await?;
            tx.commit().await?;
            gone.add(Gone::sized(0, bytes));
            if blobs == 0 {
                return Ok(gone);
            }
        }
    }
}
