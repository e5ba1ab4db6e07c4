//! Reads from the table what a subscriber has missed, then goes over to what is new.

use std::sync::Arc;

use tokio::sync::oneshot::error::RecvError;

use super::Notifications;
use super::frame::{Frame, Word};
use super::queue::End;
use super::registry::{Admitted, Subscriber};
use crate::store::notifications::{self, Missed, Most};

/// What is read at once.
const MOST: Most = Most {
    rows: 64,
    bytes: 1024 * 1024,
};

/// Where what was missed goes: a socket, or a stream.
pub(crate) trait Sink {
    /// What goes wrong there; then the subscriber is gone.
    type Error;

    fn word(&mut self, word: Word) -> impl Future<Output = Result<(), Self::Error>> + Send;
    fn frame(&mut self, frame: &Frame) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Why a subscriber did not come as far as to what is new.
#[derive(Debug)]
pub(crate) enum Stopped<E> {
    End(End),
    Sink(E),
    Database(sqlx::Error),
}

impl Subscriber {
    /// Sends what was missed after an id, if one is given, and from then on takes part: whatever
    /// is new comes to the queue.
    pub(crate) async fn follow<S: Sink + Send>(
        &self,
        mut after: Option<i64>,
        sink: &mut S,
    ) -> Result<(), Stopped<S::Error>> {
        let mut told = false;
        loop {
            let registry = &self.notifications.0.registry;
            let answer = registry.arrive(&self.listener, after);
            self.notifications.0.wake.notify_one();
            let admitted = tokio::select! {
                // An answer that is dropped has its reason in the queue.
                biased;
                end = self.queue().ended() => return Err(Stopped::End(end)),
                admitted = answer => admitted.map_err(|_: RecvError| Stopped::End(End::Stopping))?,
            };
            match (admitted, after) {
                (Admitted::Live(id), _) | (Admitted::Behind(id), None) => {
                    return sink.word(Word::Ready { id }).await.map_err(Stopped::Sink);
                }
                (Admitted::Unknown(id), last) => {
                    let last_id = last.unwrap_or_default();
                    sink.word(Word::Gap { last_id })
                        .await
                        .map_err(Stopped::Sink)?;
                    return sink.word(Word::Ready { id }).await.map_err(Stopped::Sink);
                }
                (Admitted::Behind(up_to), Some(last_id)) => {
                    if !told && self.has_gap(last_id).await? {
                        sink.word(Word::Gap { last_id })
                            .await
                            .map_err(Stopped::Sink)?;
                    }
                    told = true;
                    self.read(last_id, up_to, sink).await?;
                    after = Some(up_to);
                }
            }
        }
    }

    async fn has_gap<E>(&self, last_id: i64) -> Result<bool, Stopped<E>> {
        let pool = self.notifications.0.parts.store.pool();
        notifications::has_gap(pool, self.listener.user, last_id)
            .await
            .map_err(Stopped::Database)
    }

    async fn read<S: Sink + Send>(
        &self,
        mut after: i64,
        up_to: i64,
        sink: &mut S,
    ) -> Result<(), Stopped<S::Error>> {
        let shared = Arc::clone(&self.notifications.0);
        loop {
            let missed = Missed {
                user: self.listener.user,
                after,
                up_to,
                most: MOST,
            };
            let rows = notifications::missed(shared.parts.store.pool(), missed)
                .await
                .map_err(Stopped::Database)?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.id;
            // After the rows: by rights that are not older than any of them.
            let credential = self.listener.credential;
            let found = shared.parts.auth.look_again(&[credential]).await;
            let found = found.map_err(Stopped::Database)?;
            let Some(identity) = found.get(&credential) else {
                return Err(Stopped::End(End::LoggedOut));
            };
            let now = shared.parts.clock.now();
            for row in &rows {
                if Notifications::may_have(identity, row, now)
                    && let Ok(frame) = Frame::new(row)
                {
                    sink.frame(&frame).await.map_err(Stopped::Sink)?;
                }
            }
        }
    }
}
