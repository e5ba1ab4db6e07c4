//! Takes jobs, as many at once as the node may run.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::Jobs;
use crate::capability::db::fence::{self, Secret};
use crate::store::jobs::attempts::{self, Claim, Claimant};

/// How long a node waits for a word before it looks by itself: words get lost, and nobody says
/// one when a delay is over.
const POLL: Duration = Duration::from_secs(1);

impl Jobs {
    /// Takes one job after the other until the node is asked to stop.
    pub(super) async fn work(&self, stop: &CancellationToken) {
        // The app that had its turn last. Nothing is lost with it.
        let mut last = String::new();
        loop {
            let place = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                place = Arc::clone(&self.0.places).acquire_owned() => place,
            };
            // The places are never closed.
            let Ok(place) = place else { return };

            match self.claim(&last).await {
                Ok((Claim::Job(claimed), secret)) => {
                    last = claimed.app.to_string();
                    let jobs = self.clone();
                    tokio::spawn(async move {
                        jobs.attempt(claimed, secret).await;
                        drop(place);
                        // Its app has room for another.
                        jobs.0.wake.notify_one();
                    });
                    continue;
                }
                Ok((Claim::Again(app), _)) => {
                    last = app.to_string();
                    continue;
                }
                Ok((Claim::Nothing, _)) => {}
                Err(error) => tracing::warn!(%error, "the queue could not be asked for work"),
            }
            drop(place);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.wake.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn claim(&self, last: &str) -> sqlx::Result<(Claim, Secret)> {
        let parts = &self.0.parts;
        let secret = Zeroizing::new(parts.entropy.bytes());
        let claimant = Claimant {
            node: &self.0.node,
            not_here: &parts.serving.not_here(),
            after: last,
            lease: parts.settings.lease,
            token: &fence::token(&secret),
        };
        let claim = attempts::claim(parts.store.pool(), claimant).await?;
        Ok((claim, secret))
    }
}
