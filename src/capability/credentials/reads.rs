//! Who read which credential, written down in batches by a task of its own.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::store::Store;
use crate::store::credentials::{self, Read};

/// Reads that may wait to be written; more calls wait.
const WAITING: usize = 10_000;
/// Reads in one statement.
const BATCH: usize = 500;
/// How long a call waits for its read to be taken, and others for reads to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries to write.
const PAUSE: Duration = Duration::from_secs(1);

/// Where reads are told. Cheap to clone; the task ends with the last one.
#[derive(Clone, Debug)]
pub(super) struct Reads(mpsc::Sender<Word>);

enum Word {
    Read(Read),
    /// Answered when everything told before is written.
    Flush(oneshot::Sender<()>),
}

/// A read that cannot be recorded is not given.
#[derive(Debug, thiserror::Error)]
#[error("the read could not be recorded in time")]
pub(super) struct NotRecorded;

impl Reads {
    pub(super) fn start(store: Store) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write(store, receiver));
        Self(sender)
    }

    pub(super) async fn note(&self, read: Read) -> Result<(), NotRecorded> {
        self.0
            .send_timeout(Word::Read(read), PATIENCE)
            .await
            .map_err(|_| NotRecorded)
    }

    /// Waits until everything that was told is written; not for ever, should the database be
    /// away.
    pub(super) async fn flush(&self) {
        let (done, written) = oneshot::channel();
        let flushed = async {
            if self.0.send(Word::Flush(done)).await.is_ok() {
                let _ = written.await;
            }
        };
        let _ = tokio::time::timeout(PATIENCE, flushed).await;
    }
}

async fn write(store: Store, mut words: mpsc::Receiver<Word>) {
    let mut batch = Vec::with_capacity(BATCH);
    while words.recv_many(&mut batch, BATCH).await > 0 {
        let (mut reads, mut waiting) = (Vec::new(), Vec::new());
        for word in batch.drain(..) {
            match word {
                Word::Read(read) => reads.push(read),
                Word::Flush(done) => waiting.push(done),
            }
        }
        while let Err(error) = credentials::add_reads(store.pool(), &reads).await {
            tracing::warn!(%error, "reads of credentials wait to be recorded");
            tokio::time::sleep(PAUSE).await;
        }
        for done in waiting {
            // Who asked may have gone.
            let _ = done.send(());
        }
    }
}
