//! Hears of new work and of jobs that must stop.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::{Jobs, reaper};
use crate::ids::JobId;
use crate::store::jobs::CHANNEL;

/// How long silence is believed: every node says a word every few seconds.
const SILENCE: Duration = reaper::EVERY.saturating_mul(4);

impl Jobs {
    /// Listens for ever, through lost connections too.
    pub(super) async fn listen(self) {
        loop {
            if let Err(error) = self.hear().await {
                let error = format!("{error:#}");
                tracing::warn!(error, "lost word of new jobs; asking again");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn hear(&self) -> anyhow::Result<()> {
        let mut listener = PgListener::connect_with(self.0.parts.store.pool()).await?;
        listener.listen(CHANNEL).await?;
        // What was said before is not heard any more.
        self.0.wake.notify_one();
        loop {
            // A connection can be dead without either side's knowing.
            let heard = tokio::time::timeout(SILENCE, listener.try_recv()).await;
            let Ok(heard) = heard else {
                anyhow::bail!("nobody has said a word for {} s", SILENCE.as_secs());
            };
            match heard? {
                None => self.0.wake.notify_one(),
                Some(word) => self.understand(word.payload()),
            }
        }
    }

    /// Work, a job to stop, or a sign of life.
    fn understand(&self, word: &str) {
        if word.is_empty() {
            self.0.wake.notify_one();
        } else if let Ok(job) = word.parse::<JobId>()
            && let Some(fence) = self.running().get(&job)
        {
            fence.stop().cancel();
        }
    }
}
