//! Rows of the host's own tables that go when they are old.

use time::OffsetDateTime;

use super::{Gone, Kind, Order, PurgeError, Retention};
use crate::ids::AppName;
use crate::store::logs::{self, SizeRow};
use crate::store::notifications::purge;
use crate::store::{calls, credentials, jobs, retention};

/// Rows that go in one transaction, which is over in milliseconds.
pub(super) const CHUNK: i64 = 1_000;
const MIB: i64 = 1024 * 1024;

/// Which calls go.
#[derive(Clone, Copy)]
enum Surplus {
    /// Those that began before this.
    Older(OffsetDateTime),
    /// Those that were written up to this one.
    UpTo(i64),
}

impl Retention {
    pub(super) async fn purge_calls(&self, order: Order) -> Result<Gone, PurgeError> {
        let pool = self.0.store.pool();
        let cutoff = self.cutoff(Kind::Calls, order);
        let ceiling = match order.older_than {
            Some(_) => None,
            None => calls::over_ceiling(pool, self.0.keep.calls_rows.get().into()).await?,
        };
        if order.dry_run {
            let found = calls::count_surplus(pool, cutoff, ceiling).await?;
            return Ok(Gone::rows(found));
        }
        let mut gone = self.remove_calls(Surplus::Older(cutoff)).await?;
        if let Some(seq) = ceiling {
            gone.add(self.remove_calls(Surplus::UpTo(seq)).await?);
        }
        Ok(gone)
    }

    async fn remove_calls(&self, surplus: Surplus) -> Result<Gone, PurgeError> {
        let mut gone = Gone::rows(0);
        loop {
            let mut tx = self.0.store.pool().begin().await?;
            if !retention::lock(&mut tx, Kind::Calls.name()).await? {
                return Err(PurgeError::Busy(Kind::Calls));
            }
            let deleted = match surplus {
                Surplus::Older(than) => calls::delete_older(&mut *tx, than, CHUNK).await?,
                Surplus::UpTo(seq) => calls::delete_up_to(&mut *tx, seq, CHUNK).await?,
            };
            tx.commit().await?;
            if deleted == 0 {
                return Ok(gone);
            }
            gone.add(Gone::rows(i64::try_from(deleted).unwrap_or(i64::MAX)));
        }
    }

    pub(super) async fn purge_jobs(&self, order: Order) -> Result<Gone, PurgeError> {
        let pool = self.0.store.pool();
        // Their times are the database's own.
        let age = order.older_than.or_else(|| Kind::Jobs.age(&self.0.keep));
        let seconds = age.unwrap_or_default().whole_seconds();
        let surplus = jobs::Surplus {
            seconds,
            keep: match order.older_than {
                Some(_) => i64::MAX,
                None => self.0.keep.jobs_rows.get().into(),
            },
            spare_newest: order.older_than.is_none(),
        };
        let mut gone = Gone::rows(0);
        for app in jobs::apps(pool).await? {
            if order.dry_run {
                let found = jobs::count_surplus(pool, &app, surplus).await?;
                gone.add(Gone::rows(found));
                continue;
            }
            loop {
                let mut tx = pool.begin().await?;
                if !retention::lock(&mut tx, Kind::Jobs.name()).await? {
                    return Err(PurgeError::Busy(Kind::Jobs));
                }
                let deleted = jobs::purge(&mut *tx, &app, surplus, CHUNK).await?;
                tx.commit().await?;
                if deleted == 0 {
                    break;
                }
                gone.add(Gone::rows(i64::try_from(deleted).unwrap_or(i64::MAX)));
            }
        }
        Ok(gone)
    }

    pub(super) async fn purge_notifications(&self, order: Order) -> Result<Gone, PurgeError> {
        let notifications = &self.0.notifications;
        let cutoff = self.cutoff(Kind::Notifications, order);
        let gone = match order {
            Order { dry_run: true, .. } => {
                let ceiling = match order.older_than {
                    Some(_) => i64::MAX,
                    None => self.0.keep.notifications_rows.get().into(),
                };
                purge::count_surplus(self.0.store.pool(), cutoff, ceiling).await?
            }
            Order {
                older_than: Some(_),
                ..
            } => notifications.purge_older(cutoff).await?,
            Order {
                older_than: None, ..
            } => notifications.purge().await?,
        };
        Ok(Gone::rows(gone))
    }

    pub(super) async fn purge_credential_reads(&self, order: Order) -> Result<Gone, PurgeError> {
        let cutoff = self.cutoff(Kind::CredentialReads, order);
        if order.dry_run {
            let found = credentials::count_reads(self.0.store.pool(), cutoff).await?;
            return Ok(Gone::rows(found));
        }
        let mut gone = Gone::rows(0);
        loop {
            let mut tx = self.0.store.pool().begin().await?;
            if !retention::lock(&mut tx, Kind::CredentialReads.name()).await? {
                return Err(PurgeError::Busy(Kind::CredentialReads));
            }
            let deleted = credentials::forget_reads(&mut *tx, cutoff, CHUNK).await?;
            tx.commit().await?;
            if deleted == 0 {
                return Ok(gone);
            }
            gone.add(Gone::rows(i64::try_from(deleted).unwrap_or(i64::MAX)));
        }
    }

    pub(super) async fn purge_logs(&self, order: Order) -> Result<Gone, PurgeError> {
        let pool = self.0.store.pool();
        let cutoff = self.cutoff(Kind::Logs, order);
        let sizes = logs::sizes(pool).await?;
        let mut gone = Gone::sized(0, 0);
        if order.dry_run {
            let mut left = Vec::with_capacity(sizes.len());
            for SizeRow { app, rows, bytes } in sizes {
                let (old, old_bytes) = logs::count_older(pool, &app, cutoff).await?;
                gone.add(Gone::sized(old, old_bytes));
                let (rows, bytes) = (rows - old, bytes - old_bytes);
                left.push(SizeRow { app, rows, bytes });
            }
            if order.older_than.is_none() {
                for (app, rows) in self.over_size(&left) {
                    let whole = left.iter().find(|left| left.app == app);
                    let each = whole.map_or(0, |left| left.bytes / left.rows.max(1));
                    gone.add(Gone::sized(rows, rows * each));
                }
            }
            return Ok(gone);
        }
        for SizeRow { app, .. } in &sizes {
            gone.add(self.remove_logs(app, cutoff, i64::MAX).await?);
        }
        if order.older_than.is_none() {
            let sizes = logs::sizes(pool).await?;
            for (app, rows) in self.over_size(&sizes) {
                let all = self.0.clock.now() + time::Duration::days(365_000);
                gone.add(self.remove_logs(&app, all, rows).await?);
            }
        }
        Ok(gone)
    }

    /// Removes so many of an app's oldest lines, as far as they are older than a time.
    async fn remove_logs(
        &self,
        app: &AppName,
        than: OffsetDateTime,
        mut most: i64,
    ) -> Result<Gone, PurgeError> {
        let mut gone = Gone::sized(0, 0);
        while most > 0 {
            let deleted = logs::delete_older(self.0.store.pool(), app, than, most.min(CHUNK));
            let Some((rows, bytes)) = deleted.await? else {
                return Err(PurgeError::Busy(Kind::Logs));
            };
            if rows == 0 {
                break;
            }
            most -= rows;
            gone.add(Gone::sized(rows, bytes));
        }
        Ok(gone)
    }

    /// Of which apps how many lines are over a size, by the mean of the app's lines: first what
    /// each has over its own share, then of the largest what all have over theirs.
    fn over_size(&self, sizes: &[SizeRow]) -> Vec<(AppName, i64)> {
        let own = i64::from(self.0.keep.logs_app_mb.get()) * MIB;
        let all = i64::from(self.0.keep.logs_mb.get()) * MIB;
        over_size(sizes, own, all)
    }
}

fn over_size(sizes: &[SizeRow], own: i64, all: i64) -> Vec<(AppName, i64)> {
    let total = |own: i64| -> i64 { sizes.iter().map(|size| size.bytes.min(own)).sum() };
    // The largest share of an app with which all of them fit: apps that have little keep it.
    let (mut fits, mut share) = (0, own);
    if total(own) > all {
        while share - fits > 1 {
            let middle = fits + (share - fits) / 2;
            if total(middle) > all {
                share = middle;
            } else {
                fits = middle;
            }
        }
        share = fits;
    }
    sizes
        .iter()
        .filter(|size| size.bytes > share)
        .map(|size| {
            let each = (size.bytes / size.rows.max(1)).max(1);
            let over = (size.bytes - share + each - 1) / each;
            (size.app.clone(), over)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(app: &str, bytes: i64) -> SizeRow {
        SizeRow {
            app: app.parse().unwrap(),
            rows: bytes / 10,
            bytes,
        }
    }

    fn over(sizes: &[SizeRow], own: i64, all: i64) -> Vec<(String, i64)> {
        let over = over_size(sizes, own, all).into_iter();
        over.map(|(app, rows)| (app.to_string(), rows)).collect()
    }

    #[test]
    fn what_an_app_has_over_its_share_goes() {
        let sizes = [size("a", 1_000), size("b", 300)];
        assert_eq!(over(&sizes, 400, 10_000), [("a".to_owned(), 60)]);
        assert_eq!(over(&sizes, 1_000, 10_000), []);
    }

    #[test]
    fn where_all_are_too_much_the_largest_give_and_the_small_keep_theirs() {
        let sizes = [size("a", 1_000), size("b", 600), size("c", 100)];
        let largest = [("a".to_owned(), 55), ("b".to_owned(), 15)];
        assert_eq!(over(&sizes, 10_000, 1_000), largest);
        // Both bounds at once.
        assert_eq!(
            over(&sizes, 500, 1_100),
            [("a".to_owned(), 50), ("b".to_owned(), 10)]
        );
        assert_eq!(over(&[], 1, 1), []);
    }
}
