//! Hears of new notifications, so that nobody waits for the next look into the table.

use std::time::Duration;

use sqlx::postgres::PgListener;

use super::Notifications;
use crate::store::notifications::CHANNEL;

/// The first wait before a lost connection is made again, and the longest. Each is cut by up to a
/// half at random, so that nodes do not all come back at once.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// How often a silent connection is asked whether it is one, and how long it may take to answer.
const ASK: Duration = Duration::from_secs(10);
const ANSWER: Duration = Duration::from_secs(5);

impl Notifications {
    /// Listens for ever, through lost connections too.
    pub(super) async fn listen(self) {
        let mut pause = FIRST;
        loop {
            let Err(error) = self.hear(&mut pause).await;
            let error = format!("{error:#}");
            tracing::warn!(error, "lost word of new notifications; asking again");
            let chance = u32::from(u16::from_le_bytes(self.0.parts.entropy.bytes()));
            tokio::time::sleep(pause - pause / 2 * chance / u32::from(u16::MAX)).await;
            pause = (pause * 2).min(LONGEST);
        }
    }

    async fn hear(&self, pause: &mut Duration) -> anyhow::Result<std::convert::Infallible> {
        let mut listener = PgListener::connect_with(self.0.parts.store.pool()).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        *pause = FIRST;
        // What was said before is not heard any more.
        self.0.wake.notify_one();
        loop {
            match tokio::time::timeout(ASK, listener.try_recv()).await {
                Ok(Ok(Some(_))) => {
                    self.0.wake.notify_one();
                    self.0.sending.look();
                }
                Ok(Ok(None)) => anyhow::bail!("the connection was closed"),
                Ok(Err(error)) => return Err(error.into()),
                // A connection can be dead without our knowing.
                Err(_) => {
                    let question = sqlx::query("SELECT 1").execute(&mut listener);
                    tokio::time::timeout(ANSWER, question).await??;
                }
            }
        }
    }
}
