//! Credentials at rest: sealed when they are set, opened when a call reads them.

use sqlx::PgConnection;
use zeroize::Zeroizing;

use super::policy::MAX_BYTES;
use super::reads::{NotRecorded, Reads};
use crate::ids::AppName;
use crate::services::{Clock, Entropy, KeysError, Label, OpenError, Sealing};
use crate::store::Store;
use crate::store::credentials::{self, NewCredential, Read};

/// Credentials that are sealed anew in one transaction: together at most 16 MiB.
const BATCH: i64 = 16;

/// Keeps the credentials of all apps. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Vault {
    store: Store,
    sealing: Sealing,
    clock: Clock,
    entropy: Entropy,
    reads: Reads,
}

/// Why a credential is not kept as it was sent. The text never holds any of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsuitable {
    #[error("a credential holds at least one byte: delete it to take it away")]
    Empty,
    #[error("a credential holds at most {} KiB", MAX_BYTES / 1024)]
    TooLarge,
}

/// Why a credential cannot be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("it does not open: {0}")]
    Closed(#[from] OpenError),
    #[error(transparent)]
    NotRecorded(#[from] NotRecordedError),
}

/// A read that cannot be recorded is not given.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct NotRecordedError(#[from] NotRecorded);

/// Why credentials are not sealed anew.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotateError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(
        "credentials are sealed with the key {0}, which this server does not have: put it back \
         into the file of sealing keys"
    )]
    Missing(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// What came of sealing anew.
#[derive(Debug, Default)]
pub(crate) struct Rotation {
    /// The key that seals now.
    pub(crate) key_id: String,
    pub(crate) resealed: u64,
    /// Credentials that do not open, as `app/name`. They stay as they are.
    pub(crate) broken: Vec<String>,
    /// The keys that are still in use, and how many credentials each seals.
    pub(crate) in_use: Vec<(String, i64)>,
}

impl Vault {
    /// Starts the task that records reads; needs a runtime.
    pub(crate) fn new(store: Store, sealing: Sealing, clock: Clock, entropy: Entropy) -> Self {
        let reads = Reads::start(store.clone());
        Self {
            store,
            sealing,
            clock,
            entropy,
            reads,
        }
    }

    /// Checks that every credential that is kept can be opened.
    ///
    /// # Errors
    ///
    /// When one is sealed with a key that is not known.
    pub(crate) async fn check_keys(&self) -> Result<(), RotateError> {
        for (key, _) in credentials::keys(self.store.pool()).await? {
            if !self.sealing.knows(&key) {
                return Err(RotateError::Missing(key));
            }
        }
        Ok(())
    }

    /// Seals a secret and keeps it, in place of an older one of its name. It must have been
    /// admitted by [`admit`].
    pub(crate) async fn set(
        &self,
        connection: &mut PgConnection,
        app: &AppName,
        name: &str,
        secret: &[u8],
        by: &str,
    ) -> anyhow::Result<()> {
        let version = credentials::next_version(&mut *connection).await?;
        let label = Label { app, name, version };
        let new = NewCredential {
            app,
            name,
            version,
            sealed: &self.sealing.seal(label, secret, &self.entropy)?,
            size: i32::try_from(secret.len())?,
            by,
            now: self.clock.now(),
        };
        credentials::put(connection, &new).await?;
        Ok(())
    }

    /// The secret of this name, as it was set last. None where it is not set.
    pub(crate) async fn open(
        &self,
        app: &AppName,
        name: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let Some(row) = credentials::find(self.store.pool(), app, name).await? else {
            return Ok(None);
        };
        // By what was asked for, not by what the row says of itself.
        let version = row.version;
        let label = Label { app, name, version };
        let sealed = row.sealed();
        if !self.sealing.knows(&sealed.key_id) {
            // Another node may have a newer key already; then it is in our file too.
            let _ = self
                .sealing
                .reload()
                .inspect_err(|error| tracing::error!(%error, "cannot read the sealing keys again"));
        }
        Ok(Some(self.sealing.unseal(label, &sealed)?))
    }

    /// Records a read before its secret is given.
    pub(super) async fn note(&self, read: Read) -> Result<(), VaultError> {
        self.reads.note(read).await.map_err(NotRecordedError)?;
        Ok(())
    }

    /// Waits until every read so far is recorded.
    pub(crate) async fn flush(&self) {
        self.reads.flush().await;
    }

    pub(super) fn now(&self) -> time::OffsetDateTime {
        self.clock.now()
    }

    /// Reads the sealing keys again, and seals every credential anew that has another key than
    /// the one that seals now. Calls go on reading meanwhile.
    ///
    /// # Errors
    ///
    /// When the keys cannot be read, or one that is in use is missing; nothing is changed then.
    pub(crate) async fn rotate(&self) -> Result<Rotation, RotateError> {
        self.sealing.reload()?;
        self.check_keys().await?;
        let mut rotation = Rotation {
            key_id: self.sealing.key_id(),
            ..Rotation::default()
        };
        let mut after = (String::new(), String::new());
        while let Some(last) = self.reseal_batch(&after, &mut rotation).await? {
            after = last;
        }
        rotation.in_use = credentials::keys(self.store.pool()).await?;
        Ok(rotation)
    }

    /// Seals the next few anew; what comes back is the place of the last one.
    async fn reseal_batch(
        &self,
        after: &(String, String),
        rotation: &mut Rotation,
    ) -> Result<Option<(String, String)>, RotateError> {
        let mut tx = self.store.pool().begin().await?;
        let place = (after.0.as_str(), after.1.as_str());
        let rows = credentials::lock_next(&mut tx, &rotation.key_id, place, BATCH).await?;
        let last = rows
            .last()
            .map(|row| (row.app.to_string(), row.name.clone()));
        for row in rows {
            let (app, name, version) = (row.app.clone(), row.name.clone(), row.version);
            let label = Label {
                app: &app,
                name: &name,
                version,
            };
            match self.sealing.unseal(label, &row.sealed()) {
                Ok(secret) => {
                    let sealed = self.sealing.seal(label, &secret, &self.entropy)?;
                    credentials::reseal(&mut tx, &app, &name, &sealed).await?;
                    rotation.resealed += 1;
                }
                Err(error) => {
                    tracing::error!(%app, name, %error, "a credential cannot be sealed anew");
                    rotation.broken.push(format!("{app}/{name}"));
                }
            }
        }
        tx.commit().await?;
        Ok(last)
    }
}

/// Decides whether bytes can be a credential.
pub(crate) fn admit(secret: &[u8]) -> Result<(), Unsuitable> {
    match secret.len() {
        0 => Err(Unsuitable::Empty),
        length if length > MAX_BYTES => Err(Unsuitable::TooLarge),
        _ => Ok(()),
    }
}
