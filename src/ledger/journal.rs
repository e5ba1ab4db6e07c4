//! Writes calls down behind their backs, many at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::store::Store;
use crate::store::calls::{self, NewCall};

/// Calls that wait to be written; more are lost.
pub(super) const CAPACITY: usize = 8_192;
/// Calls that are written at once.
const BATCH: usize = 512;
/// How long a call waits for others to be written with.
const LINGER: Duration = Duration::from_millis(250);
/// How often a loss is told at most.
const WARN_AGAIN: Duration = Duration::from_secs(60);

/// The way into the log of calls.
pub(super) struct Journal {
    sender: mpsc::Sender<Message>,
    /// Ends the wait for more.
    hurry: Arc<Notify>,
    lost: Arc<Lost>,
}

#[expect(clippy::large_enum_variant, reason = "nearly every message is a call")]
enum Message {
    Call(NewCall),
    /// Answered when all before it is written, or lost.
    Flush(oneshot::Sender<()>),
}

/// Counts the calls that were not written down.
#[derive(Default)]
struct Lost {
    calls: AtomicU64,
    told: Mutex<Option<Instant>>,
}

impl Journal {
    /// Starts the writer, which ends with the journal.
    pub(super) fn start(store: Store, capacity: usize) -> Self {
        let (sender, receiver) = mpsc::channel(capacity);
        let writer = Writer {
            store,
            receiver,
            hurry: Arc::default(),
            lost: Arc::default(),
        };
        let journal = Self {
            sender,
            hurry: Arc::clone(&writer.hurry),
            lost: Arc::clone(&writer.lost),
        };
        tokio::spawn(writer.run());
        journal
    }

    /// Hands over a call without waiting. Where too many wait already, it is lost.
    pub(super) fn push(&self, call: NewCall) {
        if self.sender.try_send(Message::Call(call)).is_err() {
            self.lost
                .add(1, "they end faster than the database takes them");
        }
        if self.sender.capacity() <= self.sender.max_capacity() / 2 {
            self.hurry.notify_one();
        }
    }

    /// Waits until all that was handed over before is written, or lost.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            self.hurry.notify_one();
            // The writer answers, or is gone.
            let _ = written.await;
        }
    }

    /// How many calls were not written down.
    pub(super) fn lost(&self) -> u64 {
        self.lost.calls.load(Ordering::Relaxed)
    }
}

impl Lost {
    fn add(&self, calls: usize, why: &str) {
        let added = u64::try_from(calls).unwrap_or(u64::MAX);
        let before = self.calls.fetch_add(added, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= WARN_AGAIN) {
            *told = Some(Instant::now());
            let lost = before.saturating_add(added);
            tracing::warn!(lost, why, "calls are missing from the log of calls");
        }
    }
}

struct Writer {
    store: Store,
    receiver: mpsc::Receiver<Message>,
    hurry: Arc<Notify>,
    lost: Arc<Lost>,
}

impl Writer {
    async fn run(mut self) {
        let mut messages = Vec::with_capacity(BATCH);
        while let Some(first) = self.receiver.recv().await {
            messages.push(first);
            // Asleep meanwhile, so that a call that ends wakes nobody.
            let _ = tokio::time::timeout(LINGER, self.hurry.notified()).await;
            while self.fill(&mut messages) {
                self.write(&mut messages).await;
            }
        }
    }

    /// Takes what waits, as much as is written at once. False where nothing does.
    fn fill(&mut self, messages: &mut Vec<Message>) -> bool {
        while messages.len() < BATCH
            && let Ok(message) = self.receiver.try_recv()
        {
            messages.push(message);
        }
        !messages.is_empty()
    }

    async fn write(&self, messages: &mut Vec<Message>) {
        let mut calls = Vec::with_capacity(messages.len());
        let mut waiting = Vec::new();
        for message in messages.drain(..) {
            match message {
                Message::Call(call) => calls.push(call),
                Message::Flush(done) => waiting.push(done),
            }
        }
        if !calls.is_empty()
            && let Err(error) = calls::insert(self.store.pool(), &calls).await
        {
            self.lost.add(calls.len(), &error.to_string());
        }
        for done in waiting {
            // Whoever asked may have gone.
            let _ = done.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tests::{Book, call};

    #[tokio::test]
    async fn what_was_handed_over_is_written_when_a_flush_ends_and_in_its_order() {
        let book = Book::open().await;
        let journal = Journal::start(book.store(), CAPACITY);
        let pushed: Vec<NewCall> = (0..2 * BATCH + 1).map(|_| call()).collect();

        for call in &pushed {
            journal.push(call.clone());
        }
        journal.flush().await;

        let pushed: Vec<_> = pushed.iter().map(|call| call.id).collect();
        assert_eq!(book.ids().await, pushed);
        assert_eq!(journal.lost(), 0);
    }

    #[tokio::test]
    async fn a_call_is_written_before_long_though_nobody_asks() {
        let book = Book::open().await;
        let journal = Journal::start(book.store(), CAPACITY);

        journal.push(call());

        while book.ids().await.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn calls_over_the_capacity_are_lost_and_counted_and_nobody_waits() {
        let book = Book::open().await;
        let journal = Journal::start(book.store(), 1);
        let blocked = book.block().await;
        journal.push(call());
        // The writer has taken the first, and comes back for no other.
        blocked.until_somebody_waits().await;

        for _ in 0..4 {
            journal.push(call());
        }

        assert_eq!(journal.lost(), 3);
        blocked.end().await;
        journal.flush().await;
        assert_eq!(book.ids().await.len(), 2);
        assert_eq!(journal.lost(), 3);
    }

    #[tokio::test]
    async fn calls_that_the_database_refuses_are_counted_as_lost() {
        let book = Book::open().await;
        let journal = Journal::start(book.store(), CAPACITY);
        book.drop_table().await;

        journal.push(call());
        journal.push(call());
        journal.flush().await;

        assert_eq!(journal.lost(), 2);
    }
}
