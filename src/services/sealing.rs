//! Sealing what the database keeps for apps: XChaCha20-Poly1305 under keys of the host.
//!
//! One key seals; others may be known too, to open what was sealed before the key was changed.
//! What is sealed carries the id of its key, and opens only for the app, name and version
//! that it was sealed for.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key as CipherKey, KeyInit, XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use zeroize::{Zeroize, Zeroizing};

use super::{Entropy, HostKey, key};
use crate::ids::AppName;

/// The keys that seal and open. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Sealing(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Source,
    /// The key that is derived from the host key. It opens whatever else is configured.
    host: SealingKey,
    ring: RwLock<Ring>,
}

/// Where the keys come from.
#[derive(Debug)]
enum Source {
    HostKey,
    File(PathBuf),
    Environment,
}

/// The keys in use: the first seals, all open.
#[derive(Debug)]
struct Ring {
    sealing: SealingKey,
    opening: Vec<SealingKey>,
}

#[derive(Clone)]
struct SealingKey {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

/// What is sealed, for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Label<'a> {
    pub(crate) app: &'a AppName,
    pub(crate) name: &'a str,
    pub(crate) version: i64,
}

/// Something sealed, as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) key_id: String,
    pub(crate) nonce: [u8; 24],
    pub(crate) bytes: Vec<u8>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("cannot read the sealing keys `{0}`: {1}")]
    Io(PathBuf, std::io::Error),
    #[error(
        "the sealing keys `{0}` can be read by other users (mode {1:o}); run `chmod 600` on the \
         file, and replace the keys if somebody else may have read them"
    )]
    Readable(PathBuf, u32),
    #[error("{0} must hold keys of 32 bytes in base64, one a line, the one that seals first")]
    Malformed(String),
    #[error("set `sealing_key_file` or `sealing_key`, not both")]
    Both,
}

/// Why something sealed does not open.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("it is sealed with the key {0}, which this server does not have")]
    UnknownKey(String),
    #[error("it was changed, or sealed for something else")]
    Broken,
}

impl Sealing {
    /// Reads the keys that are configured; without any, one is derived from the host key.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is open to others, or a key is malformed.
    pub(crate) fn open(
        file: Option<&Path>,
        text: Option<&SecretString>,
        host: &HostKey,
    ) -> Result<Self, KeysError> {
        let host = SealingKey::new(&host.derive("sealing"));
        let (source, keys) = match (file, text) {
            (Some(_), Some(_)) => return Err(KeysError::Both),
            (Some(file), None) => (Source::File(file.to_owned()), read(file)?),
            (None, Some(text)) => (
                Source::Environment,
                parse("the setting `sealing_key`", text.expose_secret())?,
            ),
            (None, None) => (Source::HostKey, vec![host.clone()]),
        };
        let ring = Ring::new(keys, &host).ok_or_else(|| malformed("the configuration"))?;
        Ok(Self(Arc::new(Inner {
            source,
            host,
            ring: RwLock::new(ring),
        })))
    }

    /// Reads the file of keys again. Keys that were known stay known until the process ends.
    ///
    /// # Errors
    ///
    /// As [`Sealing::open`]; the keys stay as they were then.
    pub(crate) fn reload(&self) -> Result<(), KeysError> {
        let Source::File(file) = &self.0.source else {
            return Ok(());
        };
        let mut keys = read(file)?;
        let mut ring = self.0.ring.write().unwrap_or_else(PoisonError::into_inner);
        keys.extend(ring.opening.iter().cloned());
        *ring = Ring::new(keys, &self.0.host).ok_or_else(|| malformed("the file"))?;
        Ok(())
    }

    /// The id of the key that seals.
    pub(crate) fn key_id(&self) -> String {
        self.ring(|ring| ring.sealing.id.clone())
    }

    /// Whether a key can open.
    pub(crate) fn knows(&self, key_id: &str) -> bool {
        self.ring(|ring| ring.find(key_id).is_some())
    }

    /// Seals a secret for one label.
    ///
    /// # Errors
    ///
    /// When the secret is larger than the cipher takes, which is beyond any limit of ours.
    pub(crate) fn seal(
        &self,
        label: Label<'_>,
        secret: &[u8],
        entropy: &Entropy,
    ) -> anyhow::Result<Sealed> {
        let key = self.ring(|ring| ring.sealing.clone());
        // 24 random bytes: no two of them are ever alike.
        let nonce = entropy.bytes::<24>();
        let aad = label.associated(&key.id);
        let payload = Payload {
            msg: secret,
            aad: &aad,
        };
        let bytes = key
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow::anyhow!("the cipher refused a secret"))?;
        Ok(Sealed {
            key_id: key.id,
            nonce,
            bytes,
        })
    }

    /// Opens what was sealed for this very label.
    ///
    /// # Errors
    ///
    /// When the key is not known, or anything was changed.
    pub(crate) fn unseal(
        &self,
        label: Label<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let key = self
            .ring(|ring| ring.find(&sealed.key_id).cloned())
            .ok_or_else(|| OpenError::UnknownKey(sealed.key_id.clone()))?;
        let aad = label.associated(&key.id);
        let payload = Payload {
            msg: &sealed.bytes,
            aad: &aad,
        };
        key.cipher()
            .decrypt(&XNonce::from(sealed.nonce), payload)
            .map(Zeroizing::new)
            .map_err(|_| OpenError::Broken)
    }

    fn ring<T>(&self, read: impl FnOnce(&Ring) -> T) -> T {
        read(&self.0.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Ring {
    /// The first key seals, all of them open, the host's own too. None without any.
    fn new(keys: Vec<SealingKey>, host: &SealingKey) -> Option<Self> {
        let sealing = keys.first()?.clone();
        let mut opening: Vec<SealingKey> = Vec::new();
        for key in keys.into_iter().chain([host.clone()]) {
            if opening.iter().all(|known| known.id != key.id) {
                opening.push(key);
            }
        }
        Some(Self { sealing, opening })
    }

    fn find(&self, id: &str) -> Option<&SealingKey> {
        self.opening.iter().find(|key| key.id == id)
    }
}

impl SealingKey {
    fn new(bytes: &[u8; 32]) -> Self {
        let root = HostKey::from_bytes(*bytes);
        // The id says nothing of the key, and tells it from every other.
        let id = crate::audit::hex(root.derive("sealing key id").get(..6).unwrap_or_default());
        Self {
            id,
            key: root.derive("sealing key"),
        }
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        let mut key = CipherKey::from(*self.key);
        let cipher = XChaCha20Poly1305::new(&key);
        key.as_mut_slice().zeroize();
        cipher
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SealingKey({})", self.id)
    }
}

impl Label<'_> {
    /// What is authenticated beside the secret. Neither of the texts can hold the separator.
    fn associated(&self, key_id: &str) -> Vec<u8> {
        let Self { app, name, version } = self;
        format!("skep credential\0{app}\0{name}\0{version}\0{key_id}").into_bytes()
    }
}

fn read(file: &Path) -> Result<Vec<SealingKey>, KeysError> {
    let failed = |error| KeysError::Io(file.to_owned(), error);
    if let Some(mode) = key::mode_for_others(file).map_err(failed)? {
        return Err(KeysError::Readable(file.to_owned(), mode));
    }
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(failed)?);
    parse(&format!("`{}`", file.display()), &text)
}

fn parse(named: &str, text: &str) -> Result<Vec<SealingKey>, KeysError> {
    let keys: Option<Vec<SealingKey>> = text
        .split_whitespace()
        .map(|word| {
            let bytes = Zeroizing::new(STANDARD.decode(word).ok()?);
            let bytes: &[u8; 32] = bytes.as_slice().try_into().ok()?;
            Some(SealingKey::new(bytes))
        })
        .collect();
    keys.filter(|keys| !keys.is_empty())
        .ok_or_else(|| malformed(named))
}

fn malformed(named: &str) -> KeysError {
    KeysError::Malformed(named.to_owned())
}

#[cfg(test)]
mod tests;
