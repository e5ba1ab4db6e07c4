//! Hands each notification to those of this node who may have it, in the order of the table.
//!
//! Nothing that a node remembers of rights and subscriptions outlives a change of them: each batch
//! is read together with the numbers that count those changes.

use std::collections::HashSet;
use std::collections::hash_map::{Entry, HashMap};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::Notifications;
use super::frame::Frame;
use super::queue::End;
use super::registry::{Arriving, Inner};
use crate::auth::{Credential, Identity, permission};
use crate::ids::{AppName, UserId};
use crate::store::notifications::{self, Batch, Most, NotificationRow, subscriptions};

/// How long the table is not looked into where nobody says a word.
const POLL: Duration = Duration::from_secs(5);
/// How long after a failure of the database it is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// What is read at once.
const MOST: Most = Most {
    rows: 256,
    bytes: 4 * 1024 * 1024,
};
/// Of how many actions it is remembered who is subscribed.
const REMEMBERED: usize = 1_024;

type Action = (AppName, String);

/// One node's way through the table.
struct Delivery {
    notifications: Notifications,
    /// Everything up to here was handed out.
    position: i64,
    rights: i64,
    subscriptions: i64,
    /// Rights were read anew, and some may be gone.
    changed: bool,
    /// What the credentials of those who listen give.
    identities: HashMap<Credential, Arc<Identity>>,
    subscribers: HashMap<Action, HashSet<UserId>>,
}

impl Notifications {
    /// Delivers for ever, through a database that comes and goes.
    pub(super) async fn deliver(self) {
        let mut delivery = loop {
            match Delivery::begin(self.clone()).await {
                Ok(delivery) => break delivery,
                Err(error) => tracing::warn!(%error, "notifications cannot be read yet"),
            }
            tokio::time::sleep(PAUSE).await;
        };
        loop {
            match delivery.round().await {
                Ok(true) => {}
                Ok(false) => {
                    // What was said meanwhile is remembered.
                    let _ = tokio::time::timeout(POLL, self.0.wake.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "notifications cannot be read; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Decides whether somebody may have a notification now.
    pub(super) fn may_have(
        identity: &Identity,
        row: &NotificationRow,
        now: OffsetDateTime,
    ) -> bool {
        row.declared
            && !identity.has_expired(now)
            && identity.may(permission::CALL)
            && row
                .required_permission
                .as_ref()
                .is_none_or(|required| identity.may(required))
    }
}

impl Delivery {
    async fn begin(notifications: Notifications) -> sqlx::Result<Self> {
        let pool = notifications.0.parts.store.pool();
        Ok(Self {
            position: notifications::newest(pool).await?,
            // Counted from 0, so that the first round asks.
            rights: -1,
            subscriptions: -1,
            changed: false,
            identities: HashMap::new(),
            subscribers: HashMap::new(),
            notifications,
        })
    }

    /// Reads what is new and hands it out. True where there may be more.
    async fn round(&mut self) -> sqlx::Result<bool> {
        let shared = Arc::clone(&self.notifications.0);
        let arriving = shared.registry.lock().take_arriving();
        match self.read(&arriving).await {
            Ok(batch) => Ok(self.hand_out(&batch, arriving).await),
            Err(error) => {
                shared.registry.lock().put_back(arriving);
                Err(error)
            }
        }
    }

    async fn read(&mut self, arriving: &[Arriving]) -> sqlx::Result<Batch> {
        let shared = Arc::clone(&self.notifications.0);
        let pool = shared.parts.store.pool();
        let batch = notifications::next(pool, self.position, MOST).await?;

        let changed = batch.rights != self.rights;
        let asked = self.to_look_up(arriving, changed);
        if changed || !asked.is_empty() {
            let found = shared.parts.auth.look_again(&asked).await?;
            if changed {
                self.identities = found;
                self.rights = batch.rights;
                self.changed = true;
            } else {
                self.identities.extend(found);
            }
        }
        if batch.subscriptions != self.subscriptions || self.subscribers.len() > REMEMBERED {
            self.subscribers.clear();
            self.subscriptions = batch.subscriptions;
        }
        for row in batch.rows.iter().filter(|row| row.declared) {
            let action = (row.app.clone(), row.action.clone());
            if let Entry::Vacant(unknown) = self.subscribers.entry(action) {
                let (app, action) = unknown.key();
                let found = subscriptions::subscribers(pool, app, action).await?;
                unknown.insert(found.into_iter().collect());
            }
        }
        Ok(batch)
    }

    /// The credentials of which it must be asked what they give: those that are new here, or all.
    fn to_look_up(&self, arriving: &[Arriving], all: bool) -> Vec<Credential> {
        let arriving = arriving.iter().map(|it| it.listener.credential);
        let mut asked: HashSet<Credential> = arriving
            .filter(|credential| all || !self.identities.contains_key(credential))
            .collect();
        if all {
            let inner = self.notifications.0.registry.lock();
            let live = inner.live.values().flatten();
            asked.extend(live.map(|listener| listener.credential));
        }
        asked.into_iter().collect()
    }

    /// Puts what was read into the queues of those who may have it. Nobody is waited for.
    async fn hand_out(&mut self, batch: &Batch, arriving: Vec<Arriving>) -> bool {
        let now = self.notifications.0.parts.clock.now();
        let shared = Arc::clone(&self.notifications.0);
        self.let_go(&shared.registry.lock(), now);
        for row in &batch.rows {
            self.hand_out_one(&shared.registry.lock(), row, now);
            self.position = row.id;
            // Those who were handed something send it first: nobody falls behind who reads.
            tokio::task::yield_now().await;
        }
        let mut inner = shared.registry.lock();
        let more = !batch.rows.is_empty();
        // Somebody's last may be one that is not read here yet.
        let (waiting, ready): (Vec<_>, Vec<_>) = arriving
            .into_iter()
            .partition(|it| more && it.after.is_some_and(|after| after > self.position));
        inner.put_back(waiting);
        for arriving in ready {
            if self.identities.contains_key(&arriving.listener.credential) {
                inner.admit(arriving, self.position);
            } else {
                arriving.listener.queue.end(End::LoggedOut);
            }
        }
        self.forget(&inner);
        more
    }

    /// Ends those whose credentials prove nobody any more.
    fn let_go(&mut self, inner: &Inner, now: OffsetDateTime) {
        let before = self.identities.len();
        self.identities
            .retain(|_, identity| !identity.has_expired(now));
        if self.identities.len() == before && !std::mem::take(&mut self.changed) {
            return;
        }
        for listener in inner.live.values().flatten() {
            if !self.identities.contains_key(&listener.credential) {
                listener.queue.end(End::LoggedOut);
            }
        }
    }

    /// Forgets the credentials of those who have gone, now and then.
    fn forget(&mut self, inner: &Inner) {
        if self.identities.len() > 2 * inner.listening() + REMEMBERED {
            let live = inner.live.values().flatten();
            let used: HashSet<Credential> = live.map(|listener| listener.credential).collect();
            self.identities
                .retain(|credential, _| used.contains(credential));
        }
    }

    fn hand_out_one(&self, inner: &Inner, row: &NotificationRow, now: OffsetDateTime) {
        let action = (row.app.clone(), row.action.clone());
        let Some(subscribers) = self.subscribers.get(&action).filter(|_| row.declared) else {
            return;
        };
        let mut frame = None;
        let mut hand_to = |user: &UserId| {
            for listener in inner.live.get(user).into_iter().flatten() {
                let identity = self.identities.get(&listener.credential);
                if !identity.is_some_and(|it| Notifications::may_have(it, row, now)) {
                    continue;
                }
                // Written for the first who gets it.
                let frame: &Option<Arc<Frame>> = frame.get_or_insert_with(|| written(row));
                if let Some(frame) = frame {
                    listener.queue.push(frame);
                }
            }
        };
        if subscribers.len() <= inner.live.len() {
            subscribers.iter().for_each(&mut hand_to);
        } else {
            let here = inner.live.keys();
            here.filter(|user| subscribers.contains(user))
                .for_each(&mut hand_to);
        }
    }
}

fn written(row: &NotificationRow) -> Option<Arc<Frame>> {
    let frame = Frame::new(row).inspect_err(|error| {
        tracing::error!(id = row.id, %error, "a notification cannot be sent");
    });
    frame.ok().map(Arc::new)
}
