//! Which nodes there are: each says again and again that it lives.
//!
//! For people to see; nothing is decided by it. Work is taken over from a dead node by the leases
//! of jobs.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::store::{Store, nodes};

/// How often a node says that it lives.
const BEAT: Duration = Duration::from_secs(10);
/// A node that was not heard of for so long is counted as gone, in seconds.
pub(crate) const GONE: f64 = 35.0;
/// After so many seconds it is forgotten.
const FORGOTTEN: f64 = 86_400.0;
/// How long the last word may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// The version of this program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One node's signs of life.
pub(crate) struct Beat {
    pub(crate) store: Store,
    pub(crate) name: String,
    pub(crate) listen: SocketAddr,
}

impl Beat {
    /// Says that the node lives until `stop` is cancelled, and then that it has stopped.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.once().await {
                tracing::warn!(%error, "the other nodes cannot be told that this one lives");
            }
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = stop.cancelled() => break,
            }
        }
        let goodbye = nodes::delete(self.store.pool(), &self.name);
        // A database that is gone is told nothing; the others see that this node is silent.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }

    /// Says once that the node lives, and forgets those that died long ago.
    pub(crate) async fn once(&self) -> sqlx::Result<()> {
        let listen = self.listen.to_string();
        nodes::put(self.store.pool(), &self.name, VERSION, &listen).await?;
        nodes::sweep(self.store.pool(), FORGOTTEN).await
    }
}
