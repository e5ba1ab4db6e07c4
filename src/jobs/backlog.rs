//! How many jobs of an app may wait.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Jobs;
use crate::ids::AppName;
use crate::store::jobs;

/// Waiting jobs of one app. A few more may be queued while nobody counts.
pub(crate) const MOST: i64 = 100_000;
/// How long a count is believed: counting takes time where much waits.
const BELIEVED: Duration = Duration::from_secs(2);

/// The last counts. What a node forgets is counted again.
#[derive(Default)]
pub(super) struct Counts(Mutex<HashMap<AppName, (Instant, i64)>>);

impl Jobs {
    /// Whether an app may queue one more job.
    pub(crate) async fn has_room(&self, app: &AppName) -> sqlx::Result<bool> {
        let known = self.counts().get(app).copied();
        if let Some((counted, waiting)) = known
            && counted.elapsed() < BELIEVED
        {
            return Ok(waiting < MOST);
        }
        let waiting = jobs::waiting(self.0.parts.store.pool(), app, MOST).await?;
        self.counts().insert(app.clone(), (Instant::now(), waiting));
        Ok(waiting < MOST)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, HashMap<AppName, (Instant, i64)>> {
        self.0
            .backlog
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
