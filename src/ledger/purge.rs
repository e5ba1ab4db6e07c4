//! Removes the oldest calls from the log, so that it does not grow for ever.

use std::time::Duration;

use time::OffsetDateTime;

use crate::config::Config;
use crate::services::Clock;
use crate::store::{Store, calls};

/// How often it is looked for what is too old.
const PAUSE: Duration = Duration::from_secs(60);
/// Calls that are deleted in one transaction, which is over in milliseconds.
const CHUNK: i64 = 1_000;

/// What is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keep {
    pub(crate) age: time::Duration,
    pub(crate) rows: i64,
}

impl Keep {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            age: time::Duration::days(config.calls_days.get().into()),
            rows: config.calls_rows.get().into(),
        }
    }
}

/// Purges for as long as the process lives.
pub(crate) async fn run(store: Store, clock: Clock, keep: Keep) {
    let mut ticks = tokio::time::interval(PAUSE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = purge(&store, clock.now(), keep).await {
            tracing::warn!(%error, "old calls could not be removed from the log of calls");
        }
    }
}

/// Removes what is too old or too much, unless another node is doing it.
pub(crate) async fn purge(store: &Store, now: OffsetDateTime, keep: Keep) -> sqlx::Result<()> {
    remove(store, Surplus::Older(now - keep.age)).await?;
    if let Some(seq) = calls::over_ceiling(store.pool(), keep.rows).await? {
        remove(store, Surplus::UpTo(seq)).await?;
    }
    Ok(())
}

/// What is to go.
#[derive(Clone, Copy)]
enum Surplus {
    /// Calls that began before this.
    Older(OffsetDateTime),
    /// Calls that were written up to this one.
    UpTo(i64),
}

/// Removes chunk after chunk, each in a transaction of its own, so that nobody waits.
async fn remove(store: &Store, surplus: Surplus) -> sqlx::Result<()> {
    loop {
        let mut tx = store.pool().begin().await?;
        if !calls::lock_purge(&mut tx).await? {
            return Ok(());
        }
        let deleted = match surplus {
            Surplus::Older(than) => calls::delete_older(&mut *tx, than, CHUNK).await?,
            Surplus::UpTo(seq) => calls::delete_up_to(&mut *tx, seq, CHUNK).await?,
        };
        tx.commit().await?;
        if deleted == 0 {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{Book, NOW, call};
    use crate::store::calls::NewCall;

    const ALL: Keep = Keep {
        age: time::Duration::days(14),
        rows: 1_000_000,
    };

    fn aged(age: time::Duration) -> NewCall {
        NewCall {
            started_at: NOW - age,
            ..call()
        }
    }

    #[tokio::test]
    async fn what_is_too_old_goes_and_the_rest_stays() {
        let book = Book::open().await;
        let second = time::Duration::SECOND;
        let old = aged(ALL.age + second);
        let young = [aged(ALL.age - second), aged(second)];
        // More than one chunk of old ones, and some between the young.
        let chunk = vec![old; usize::try_from(CHUNK).unwrap() + 1];
        book.write(&chunk).await;
        book.write(&young).await;
        book.write(&chunk[..1]).await;

        purge(&book.store(), NOW, ALL).await.unwrap();

        assert_eq!(book.ids().await, young.map(|call| call.id));
    }

    #[tokio::test]
    async fn of_too_many_the_newest_stay() {
        let book = Book::open().await;
        let calls: Vec<NewCall> = (0..10).map(|_| call()).collect();
        book.write(&calls).await;

        purge(&book.store(), NOW, Keep { rows: 10, ..ALL })
            .await
            .unwrap();
        assert_eq!(book.ids().await.len(), 10);

        purge(&book.store(), NOW, Keep { rows: 3, ..ALL })
            .await
            .unwrap();
        let newest: Vec<_> = calls[7..].iter().map(|call| call.id).collect();
        assert_eq!(book.ids().await, newest);
    }

    #[tokio::test]
    async fn one_node_purges_at_a_time() {
        let book = Book::open().await;
        book.write(&[aged(ALL.age * 2)]).await;
        let store = book.store();
        let mut other = store.pool().begin().await.unwrap();
        assert!(calls::lock_purge(&mut other).await.unwrap());

        purge(&store, NOW, ALL).await.unwrap();
        assert_eq!(book.ids().await.len(), 1);

        drop(other);
        // The lock goes when the server has rolled back.
        while !book.ids().await.is_empty() {
            purge(&store, NOW, ALL).await.unwrap();
        }
    }
}
