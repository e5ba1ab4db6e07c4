//! Passwords: what is accepted as one, and its Argon2id hash.
//!
//! A hash takes 19 MiB and tens of milliseconds by design, so only [`AT_ONCE`] are made
//! at a time: a flood of logins waits, and does not fill the memory.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::services::Entropy;

const AT_ONCE: usize = 2;
const MIN_CHARACTERS: usize = 10;
const MAX_BYTES: usize = 1024;

/// A hash of no password, with the parameters of [`argon2()`]. Comparing with it takes as
/// long as with a user's, so that the time does not tell which users exist.
const NOBODYS_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCEhIQ$\
     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a text is not accepted as a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsuitable {
    #[error("the password is too short: use at least {MIN_CHARACTERS} characters")]
    Short,
    #[error("the password is too long: use at most {MAX_BYTES} bytes")]
    Long,
}

/// Decides whether a text may become somebody's password.
pub(crate) fn admit(password: &SecretString) -> Result<(), Unsuitable> {
    let password = password.expose_secret();
    if password.chars().count() < MIN_CHARACTERS {
        Err(Unsuitable::Short)
    } else if password.len() > MAX_BYTES {
        Err(Unsuitable::Long)
    } else {
        Ok(())
    }
}

/// Hashes passwords, a few at a time.
#[derive(Debug, Clone)]
pub(crate) struct Passwords(Arc<Semaphore>);

/// A turn at hashing.
#[derive(Debug)]
pub(crate) struct Turn(OwnedSemaphorePermit);

impl Passwords {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Waits for a turn at hashing.
    pub(crate) async fn turn(&self) -> anyhow::Result<Turn> {
        Ok(Turn(Arc::clone(&self.0).acquire_owned().await?))
    }

    /// Hashes a password with fresh salt, as a PHC string.
    pub(crate) async fn hash(
        &self,
        password: SecretString,
        entropy: &Entropy,
    ) -> anyhow::Result<String> {
        let salt = entropy.bytes::<16>();
        let turn = self.turn().await?;
        turn.take(move || {
            let hash: PasswordHash =
                argon2()?.hash_password_with_salt(password.expose_secret().as_bytes(), &salt)?;
            Ok(hash.to_string())
        })
        .await
    }
}

impl Turn {
    /// Whether this is the password behind a hash. Without a hash it never is, but
    /// finding that out takes just as long.
    pub(crate) async fn matches(
        self,
        password: SecretString,
        hash: Option<SecretString>,
    ) -> anyhow::Result<bool> {
        self.take(move || {
            let known = hash.is_some();
            let hash = PasswordHash::new(
                hash.as_ref()
                    .map_or(NOBODYS_HASH, |hash| hash.expose_secret()),
            )?;
            let password = password.expose_secret();
            let same = password.len() <= MAX_BYTES
                && argon2()?
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok();
            Ok(known && same)
        })
        .await
    }

    /// Works off the async threads. The turn ends with the work, even if whoever asked
    /// for it has gone away.
    async fn take<T: Send + 'static>(
        self,
        work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        tokio::task::spawn_blocking(move || {
            let _permit = self.0;
            work()
        })
        .await?
    }
}

/// Argon2id with the first of OWASP's recommended parameters.
fn argon2() -> anyhow::Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests;
