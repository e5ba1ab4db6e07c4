//! Hears that a schedule has changed, or that a job has ended which a firing waits for.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::Schedules;
use crate::store::schedules::CHANNEL;

impl Schedules {
    /// Listens for ever, through lost connections too. What is missed meanwhile, and what a dead
    /// connection does not bring, is found by looking.
    pub(super) async fn listen(self) {
        loop {
            if let Err(error) = self.hear().await {
                tracing::warn!(%error, "lost word of schedules; asking again");
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn hear(&self) -> sqlx::Result<()> {
        let mut listener = PgListener::connect_with(self.0.store.pool()).await?;
        listener.listen(CHANNEL).await?;
        loop {
            // What was said before is not heard any more.
            self.0.wake.notify_one();
            listener.try_recv().await?;
        }
    }
}
