//! Writes down what sync calls fire, behind their backs, many at a time.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::capability::notify::policy::Fired;
use crate::ids::AppName;
use crate::store::Store;
use crate::store::notifications::{self, NewNotification};

/// Notifications that wait to be written, and KiB of their payloads; more are lost.
const WAITING: usize = 16_384;
const WAITING_KIB: usize = 64 * 1024;
/// Notifications that are written at once.
const BATCH: usize = 256;
/// How often it is tried to write some, and how long is waited in between, doubled each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(100);

/// The way into the table of notifications.
pub(super) struct Outbox {
    sender: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
}

enum Message {
    Write(NewNotification, OwnedSemaphorePermit),
    /// Answered when all before it is written, or lost.
    Flush(oneshot::Sender<()>),
}

impl Outbox {
    /// Starts the writer, which ends with the outbox. It wakes `written` each time.
    pub(super) fn start(store: Store, written: Arc<Notify>) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        let writer = Writer {
            store,
            receiver,
            written,
        };
        tokio::spawn(writer.run());
        Self {
            sender,
            room: Arc::new(Semaphore::new(WAITING_KIB)),
        }
    }

    /// Hands over what a call has fired, without waiting. Where too many wait already, they are
    /// lost.
    pub(super) fn push(&self, app: &AppName, fired: Vec<Fired>, triggered_at: OffsetDateTime) {
        let count = fired.len();
        for (done, Fired { action, payload }) in fired.into_iter().enumerate() {
            let kib = u32::try_from(payload.len() / 1024 + 1).unwrap_or(u32::MAX);
            let room = Arc::clone(&self.room).try_acquire_many_owned(kib).ok();
            let new = NewNotification {
                app: app.clone(),
                action,
                payload,
                triggered_at,
            };
            let sent = room.map(|room| self.sender.try_send(Message::Write(new, room)));
            if !matches!(sent, Some(Ok(()))) {
                let lost = count - done;
                tracing::error!(
                    %app, lost,
                    "notifications are lost: the database takes them slower than they are fired"
                );
                return;
            }
        }
    }

    /// Waits until all that was handed over before is written, or lost.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        if self.sender.send(Message::Flush(done)).await.is_ok() {
            // The writer answers, or is gone.
            let _ = written.await;
        }
    }
}

struct Writer {
    store: Store,
    receiver: mpsc::Receiver<Message>,
    written: Arc<Notify>,
}

impl Writer {
    async fn run(mut self) {
        let mut messages = Vec::with_capacity(BATCH);
        // What comes while some are being written is written together next.
        while self.receiver.recv_many(&mut messages, BATCH).await > 0 {
            let mut new = Vec::with_capacity(messages.len());
            let mut waiting = Vec::new();
            let mut room = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Write(notification, held) => {
                        new.push(notification);
                        room.push(held);
                    }
                    Message::Flush(done) => waiting.push(done),
                }
            }
            if !new.is_empty() {
                self.write(&new).await;
            }
            for done in waiting {
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
    }

    async fn write(&self, new: &[NewNotification]) {
        let mut pause = PAUSE;
        for left in (0..TRIES).rev() {
            match notifications::put(self.store.pool(), new).await {
                Ok(()) => {
                    self.written.notify_one();
                    return;
                }
                Err(error) if left > 0 => {
                    tracing::warn!(%error, "notifications are not written yet");
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(error) => {
                    let lost = new.len();
                    tracing::error!(%error, lost, "notifications are lost");
                }
            }
        }
    }
}
