//! Sends notifications by HTTP to where operators want them.
//!
//! What is to be sent was queued in the transaction of the notification. One node leases a
//! delivery, signs it anew for each try, and writes down how that ended; a node that dies lets the
//! lease run out.

pub(crate) mod policy;
pub(crate) mod sign;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::Notifications;
use super::frame::Frame;
use crate::capability::egress::Post;
use crate::store::notifications::NotificationRow;
use crate::store::webhooks::deliveries::{self, Claimed, Tried};

/// Deliveries that are sent at once, and those of one webhook.
const AT_ONCE: usize = 16;
const AT_ONCE_OF_ONE: usize = 2;
/// How long one try may take, and how long the node has for it.
const TRY: Duration = Duration::from_secs(15);
const LEASE: Duration = Duration::from_secs(60);
/// How long nobody looks for what is due.
const POLL: Duration = Duration::from_secs(2);
/// The longest text of an error that is kept, in bytes.
const ERROR_BYTES: usize = 512;

/// What one node sends.
pub(super) struct Sending {
    places: Arc<Semaphore>,
    busy: Mutex<HashMap<Uuid, usize>>,
    /// Something may be due, or a webhook is not busy any more.
    wake: Notify,
}

impl Default for Sending {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(AT_ONCE)),
            busy: Mutex::default(),
            wake: Notify::new(),
        }
    }
}

/// A place among what is sent at once, given back when it is dropped.
struct Place {
    notifications: Notifications,
    webhook: Uuid,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let sending = &self.notifications.0.sending;
        let mut busy = sending.busy();
        if let Some(count) = busy.get_mut(&self.webhook) {
            *count -= 1;
            if *count == 0 {
                busy.remove(&self.webhook);
            }
        }
        drop(busy);
        sending.wake.notify_one();
    }
}

impl Sending {
    /// Something may be due.
    pub(super) fn look(&self) {
        self.wake.notify_one();
    }

    fn busy(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name that a webhook's secret has among the credentials of its app. None of theirs can.
pub(crate) fn secret_name(webhook: Uuid) -> String {
    format!("webhook:{webhook}")
}

impl Notifications {
    /// Looks at once for what is due.
    pub(crate) fn look_for_webhooks(&self) {
        self.0.sending.look();
    }

    /// Sends for ever what is due, through a database that comes and goes.
    pub(super) async fn send_webhooks(self) {
        loop {
            match self.send_next().await {
                Ok(true) => {}
                Ok(false) => {
                    let _ = tokio::time::timeout(POLL, self.0.sending.wake.notified()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "webhooks cannot be sent; trying again");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    /// Begins to send what is due next, once there is a place. False where nothing is.
    async fn send_next(&self) -> sqlx::Result<bool> {
        let places = Arc::clone(&self.0.sending.places);
        let Ok(permit) = places.acquire_owned().await else {
            return Ok(false);
        };
        let busy: Vec<Uuid> = {
            let busy = self.0.sending.busy();
            let full = busy.iter().filter(|(_, count)| **count >= AT_ONCE_OF_ONE);
            full.map(|(webhook, _)| *webhook).collect()
        };
        let pool = self.0.parts.store.pool();
        let Some(claimed) = deliveries::claim(pool, &busy, LEASE, 1).await?.pop() else {
            return Ok(false);
        };
        *self.0.sending.busy().entry(claimed.webhook).or_default() += 1;
        let place = Place {
            notifications: self.clone(),
            webhook: claimed.webhook,
            _permit: permit,
        };
        tokio::spawn(async move {
            let notifications = place.notifications.clone();
            notifications.try_delivery(&claimed).await;
            drop(place);
        });
        Ok(true)
    }

    /// Sends a delivery once, and writes down how that ended.
    async fn try_delivery(&self, claimed: &Claimed) {
        let parts = &self.0.parts;
        let sent = self.post(claimed).await;
        let status = sent.as_ref().ok().copied();
        let error = match &sent {
            Ok(status) if status.is_success() => None,
            Ok(status) if status.is_redirection() => {
                Some(format!("{status}: redirects are not followed"))
            }
            Ok(status) => Some(status.to_string()),
            Err(error) => Some(format!("{error:#}")),
        };
        let chance = u16::from_le_bytes(parts.entropy.bytes());
        let tried = Tried {
            status: status.map(|status| i32::from(status.as_u16())),
            error: error
                .map(|error| crate::capability::log::policy::cut(&error, ERROR_BYTES).to_owned()),
            next: policy::next(claimed.attempts, status, chance),
        };
        if let Err(error) = deliveries::settle(parts.store.pool(), claimed, &tried).await {
            // The lease runs out, and it is sent again.
            tracing::warn!(%error, "how a webhook was answered is not written down");
        }
    }

    async fn post(&self, claimed: &Claimed) -> anyhow::Result<StatusCode> {
        let parts = &self.0.parts;
        let (rule, path) = policy::admit(&parts.webhook_origins, &claimed.url)?;
        let name = secret_name(claimed.webhook);
        let secret = parts.vault.open(&claimed.app, &name).await?;
        let secret = secret.ok_or_else(|| anyhow::anyhow!("the webhook has no secret"))?;
        let body = body(claimed)?;
        let id = format!("msg_{}", claimed.id.simple());
        let timestamp = parts.clock.now().unix_timestamp();
        let signature = sign::sign(&secret, &id, timestamp, &body)
            .ok_or_else(|| anyhow::anyhow!("the webhook's secret is broken"))?;
        let agent = concat!("skep/", env!("CARGO_PKG_VERSION"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(agent));
        for (name, value) in [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ] {
            headers.insert(HeaderName::from_static(name), value.try_into()?);
        }
        let post = Post {
            rule,
            path,
            headers,
            body,
            limit: TRY,
        };
        parts.gateway.post(post).await.map_err(policy::told)
    }
}

/// What is sent: a notification's own frame, or that it is a test.
fn body(claimed: &Claimed) -> anyhow::Result<Bytes> {
    let Some(id) = claimed.notification else {
        let app = &claimed.app;
        let body = serde_json::json!({ "type": "test", "app_name": app });
        return Ok(Bytes::from(body.to_string()));
    };
    let frame = Frame::new(&NotificationRow {
        id,
        app: claimed.app.clone(),
        action: claimed.action.clone(),
        payload: claimed.payload.clone(),
        job_id: claimed.job_id,
        triggered_at: claimed.triggered_at,
        declared: true,
        required_permission: None,
    })?;
    Ok(Bytes::from(frame.json.to_string()))
}
