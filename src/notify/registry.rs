//! Who listens on this node: sockets and streams, by user, and never more than so many.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::Settings;
use super::queue::{End, Queue};
use crate::auth::{Credential, Identity};
use crate::ids::UserId;

/// Those who listen on this node.
pub(super) struct Registry {
    settings: Settings,
    inner: Mutex<Inner>,
    /// Somebody has gone.
    gone: Notify,
}

#[derive(Default)]
pub(super) struct Inner {
    next_id: u64,
    /// All who have a place, those who are still reading what they missed included.
    places: HashMap<UserId, usize>,
    total: usize,
    /// Those who are handed whatever is new.
    pub(super) live: HashMap<UserId, Vec<Arc<Listener>>>,
    arriving: Vec<Arriving>,
    closed: bool,
}

/// One socket or stream.
#[derive(Debug)]
pub(super) struct Listener {
    id: u64,
    pub(super) user: UserId,
    pub(super) credential: Credential,
    pub(super) queue: Queue,
}

/// Somebody who asks to be handed whatever is new.
pub(super) struct Arriving {
    pub(super) listener: Arc<Listener>,
    /// The id of the last that was read; none who begins with what comes next.
    pub(super) after: Option<i64>,
    pub(super) answer: oneshot::Sender<Admitted>,
}

/// What becomes of somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admitted {
    /// Everything after this id is handed over from now on.
    Live(i64),
    /// The table is to be read up to this id first.
    Behind(i64),
    /// There never was such an id: what comes next is handed over, after this one.
    Unknown(i64),
}

/// Why nobody more can listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("the server is stopping: connect again in a moment")]
    Stopping,
    #[error(
        "{0} sockets and streams of notifications are open on this server: try again later, or \
         raise `notify_sockets`"
    )]
    All(usize),
    #[error("you have {0} sockets and streams of notifications open: close some")]
    OfOne(usize),
}

/// A place among those who listen, given up when it is dropped.
pub(crate) struct Subscriber {
    pub(super) notifications: super::Notifications,
    pub(super) listener: Arc<Listener>,
}

impl super::Notifications {
    /// A place for somebody who wants to listen. [`Subscriber::follow`] begins it.
    ///
    /// # Errors
    ///
    /// When all places are taken, or those of the user.
    pub(crate) fn open(&self, identity: &Identity) -> Result<Subscriber, Full> {
        let registry = &self.0.registry;
        let mut inner = registry.lock();
        if inner.closed {
            return Err(Full::Stopping);
        }
        if inner.total >= registry.settings.sockets {
            return Err(Full::All(inner.total));
        }
        let own = inner.places.entry(identity.user).or_default();
        if *own >= registry.settings.sockets_of_one {
            return Err(Full::OfOne(*own));
        }
        *own += 1;
        inner.total += 1;
        inner.next_id += 1;
        let listener = Arc::new(Listener {
            id: inner.next_id,
            user: identity.user,
            credential: identity.credential(),
            queue: Queue::default(),
        });
        drop(inner);
        Ok(Subscriber {
            notifications: self.clone(),
            listener,
        })
    }

    /// Waits until no more than so many listen.
    #[cfg(test)]
    pub(crate) async fn at_most(&self, count: usize) {
        self.0.registry.at_most(count).await;
    }

    /// How many listen.
    pub(crate) fn listening(&self) -> usize {
        self.0.registry.lock().listening()
    }
}

impl Subscriber {
    pub(crate) fn queue(&self) -> &Queue {
        &self.listener.queue
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.notifications.0.registry.leave(&self.listener);
    }
}

impl Registry {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            inner: Mutex::default(),
            gone: Notify::new(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for whatever is new; the next round answers.
    pub(super) fn arrive(
        &self,
        listener: &Arc<Listener>,
        after: Option<i64>,
    ) -> oneshot::Receiver<Admitted> {
        let (answer, admitted) = oneshot::channel();
        let mut inner = self.lock();
        inner.set_aside(listener);
        listener.queue.restart();
        // Else the answer is dropped, which says it.
        if !inner.closed {
            inner.arriving.push(Arriving {
                listener: Arc::clone(listener),
                after,
                answer,
            });
        }
        admitted
    }

    fn leave(&self, listener: &Listener) {
        let mut inner = self.lock();
        inner.total = inner.total.saturating_sub(1);
        if let Some(own) = inner.places.get_mut(&listener.user) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                inner.places.remove(&listener.user);
            }
        }
        inner.set_aside(listener);
        drop(inner);
        self.gone.notify_waiters();
    }

    /// Lets nobody in any more, and everybody go.
    pub(super) fn close(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        for listener in inner.live.values().flatten() {
            listener.queue.end(End::Stopping);
        }
        for arriving in inner.arriving.drain(..) {
            arriving.listener.queue.end(End::Stopping);
        }
    }

    /// Waits until no more than so many have a place.
    pub(super) async fn at_most(&self, count: usize) {
        loop {
            let gone = self.gone.notified();
            if self.lock().total <= count {
                return;
            }
            gone.await;
        }
    }
}

impl Inner {
    /// Hands nothing over to somebody any more.
    fn set_aside(&mut self, listener: &Listener) {
        if let Some(live) = self.live.get_mut(&listener.user) {
            live.retain(|other| other.id != listener.id);
            if live.is_empty() {
                self.live.remove(&listener.user);
            }
        }
    }

    /// How many have a place.
    pub(super) fn listening(&self) -> usize {
        self.total
    }

    pub(super) fn take_arriving(&mut self) -> Vec<Arriving> {
        // Who went away meanwhile has nobody who waits for the answer.
        let arriving = self.arriving.drain(..);
        arriving.filter(|it| !it.answer.is_closed()).collect()
    }

    /// Puts back those who were not answered.
    pub(super) fn put_back(&mut self, arriving: Vec<Arriving>) {
        self.arriving.extend(arriving);
    }

    /// Answers somebody, from a place in the order of notifications that nobody has passed since.
    pub(super) fn admit(&mut self, arriving: Arriving, position: i64) {
        let admitted = match arriving.after {
            None => Admitted::Live(position),
            Some(after) if after < position => Admitted::Behind(position),
            Some(after) if after > position => Admitted::Unknown(position),
            Some(_) => Admitted::Live(position),
        };
        let listener = arriving.listener;
        if self.closed {
            listener.queue.end(End::Stopping);
            return;
        }
        let stays = match admitted {
            Admitted::Live(_) | Admitted::Unknown(_) => true,
            Admitted::Behind(_) => false,
        };
        // Who went away in between must not stay here: their place was given up already.
        if arriving.answer.send(admitted).is_ok() && stays {
            self.live.entry(listener.user).or_default().push(listener);
        }
    }
}
