//! The `credentials` capability: secrets that an operator keeps for an app.
//!
//! The interface is `wit/credentials.wit`. Which names an app may read is decided in
//! [`policy`]; secrets are sealed and opened in [`vault`]; every read is recorded by `reads`.

pub(crate) mod policy;
mod reads;
pub(crate) mod vault;

use std::collections::BTreeSet;
use std::sync::Arc;

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use zeroize::Zeroize;

use crate::app::Grant;
use crate::bindings::skep::app::credentials as wit;
use crate::capability::log::CallLog;
use crate::store::credentials::{Read, ReadOutcome};
use policy::{CredentialsGrant, Refused};
use vault::{Vault, VaultError};

/// One call's way to its app's credentials.
pub(crate) struct CallCredentials {
    vault: Vault,
    grant: CredentialsGrant,
    /// Says whose call it is, and is told what to hide.
    log: CallLog,
    reads: u32,
    /// The keys of the grants that the call has used.
    used: BTreeSet<String>,
    /// What was handed to the cell last; its bytes are wiped when this goes.
    given: Option<Given>,
}

/// A secret on its way into a cell. The bytes are wiped when the last who holds them goes.
struct Given(Arc<[u8]>);

impl Given {
    /// Wipes the bytes, if nobody else holds them.
    fn wipe(&mut self) {
        if let Some(bytes) = Arc::get_mut(&mut self.0) {
            bytes.zeroize();
        }
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Why a call gets no credential.
#[derive(Debug, thiserror::Error)]
enum CredentialsError {
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error("the credential `{0}` is not set")]
    NotSet(String),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl CallCredentials {
    pub(crate) fn new(vault: Vault, grant: CredentialsGrant, log: CallLog) -> Self {
        Self {
            vault,
            grant,
            log,
            reads: 0,
            used: BTreeSet::new(),
            given: None,
        }
    }

    /// Wipes what was handed to the cell. What comes back are the keys of the grants that the
    /// call has used.
    pub(crate) fn finish(&mut self) -> BTreeSet<String> {
        self.given = None;
        std::mem::take(&mut self.used)
    }

    /// Reads a credential, and records how that ended.
    async fn get(&mut self, name: &str) -> Result<Arc<[u8]>, CredentialsError> {
        self.reads = self.reads.saturating_add(1);
        let result = self.read(name).await;
        let outcome = match &result {
            Ok(_) => ReadOutcome::Given,
            Err(CredentialsError::Refused(Refused::Undeclared(_))) => ReadOutcome::Undeclared,
            Err(CredentialsError::NotSet(_)) => ReadOutcome::NotSet,
            Err(CredentialsError::Vault(_)) => ReadOutcome::Failed,
            // Else an app could fill the table.
            Err(CredentialsError::Refused(Refused::TooOften)) => return result,
        };
        let identity = self.log.identity();
        let read = Read {
            app: identity.app.clone(),
            release: identity.release,
            call: identity.call,
            name: policy::recorded(name),
            outcome,
            at: self.vault.now(),
        };
        self.vault.note(read).await?;
        result
    }

    async fn read(&mut self, name: &str) -> Result<Arc<[u8]>, CredentialsError> {
        self.grant.admit(name, self.reads)?;
        let secret = self.vault.open(&self.log.identity().app, name).await?;
        let name = name.to_owned();
        let Some(secret) = secret else {
            return Err(CredentialsError::NotSet(name));
        };
        self.used.insert(Grant::Credential { name }.key());
        self.log.hide(&secret);
        let bytes: Arc<[u8]> = Arc::from(secret.as_slice());
        self.given = Some(Given(Arc::clone(&bytes)));
        Ok(bytes)
    }

    /// Says what the guest may know.
    fn for_guest(&self, name: &str, error: CredentialsError) -> wit::Error {
        match error {
            CredentialsError::Refused(Refused::Undeclared(name)) => wit::Error::Undeclared(name),
            CredentialsError::Refused(refused @ Refused::TooOften) => {
                wit::Error::OverLimit(refused.to_string())
            }
            CredentialsError::NotSet(name) => wit::Error::NotSet(name),
            CredentialsError::Vault(cause) => {
                let name = policy::recorded(name);
                let app = &self.log.identity().app;
                tracing::error!(%app, name, error = %cause, "a credential was not given");
                wit::Error::Unavailable
            }
        }
    }
}

/// Links the interface; `view` borrows a [`CallCredentials`] from whatever the store holds.
///
/// By hand, because the generated function takes a `Vec<u8>` from us and drops it as it is:
/// the secret would stay in freed memory.
pub(crate) fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    view: fn(&mut T) -> &mut CallCredentials,
) -> wasmtime::Result<()> {
    let mut interface = linker.instance("skep:app/credentials@1.0.0")?;
    interface.func_wrap_async(
        "get",
        move |mut store: StoreContextMut<'_, T>, (name,): (String,)| {
            Box::new(async move {
                let credentials = view(store.data_mut());
                let result = credentials.get(&name).await;
                Ok((result.map_err(|error| credentials.for_guest(&name, error)),))
            })
        },
    )
}

#[cfg(test)]
mod tests;
