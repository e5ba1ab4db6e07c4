//! The host's key: one secret from which every other is derived.
//!
//! It lives in a file that only the host's user can read, or in one that the operator
//! names. Nodes that share a database share it. It never enters a cell.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Entropy;

/// The host's secret. Its bytes leave only as derived keys.
#[derive(Clone)]
pub(crate) struct HostKey(Arc<Zeroizing<[u8; 32]>>);

/// Why there is no host key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("cannot read or write the host key `{0}`: {1}")]
    Io(PathBuf, std::io::Error),
    #[error("the host key `{0}` is not 32 bytes in base64; restore it from your backup")]
    Malformed(PathBuf),
    #[error(
        "the host key `{0}` can be read by other users (mode {1:o}); run `chmod 600` on it, and \
         replace it if somebody else may have read it"
    )]
    Readable(PathBuf, u32),
}

impl HostKey {
    /// Reads the key, or makes and keeps a new one where the file does not exist.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written, is malformed, or is open to others.
    pub(crate) fn open(path: &Path, entropy: &Entropy) -> Result<Self, KeyError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &Zeroizing::new(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::create(path, entropy),
            Err(error) => Err(KeyError::Io(path.to_owned(), error)),
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, KeyError> {
        let failed = |error| KeyError::Io(path.to_owned(), error);
        if let Some(mode) = mode_for_others(path).map_err(failed)? {
            return Err(KeyError::Readable(path.to_owned(), mode));
        }

        let malformed = || KeyError::Malformed(path.to_owned());
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| malformed())?);
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| malformed())?;
        Ok(Self::from_bytes(bytes))
    }

    fn create(path: &Path, entropy: &Entropy) -> Result<Self, KeyError> {
        let bytes = entropy.bytes();
        let write = || -> std::io::Result<()> {
            // A half-written key would lock the operator out of everything sealed
            // with it, so the file appears whole or not at all.
            let staged = path.with_extension("new");
            let _ = fs::remove_file(&staged);
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&staged)?;
            writeln!(file, "{}", STANDARD.encode(bytes))?;
            file.sync_all()?;
            fs::rename(&staged, path)
        };
        write().map_err(|error| KeyError::Io(path.to_owned(), error))?;
        Ok(Self::from_bytes(bytes))
    }

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bytes)))
    }

    /// A key for one purpose: HMAC-SHA-256 of the purpose's name under the host key.
    pub(crate) fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("any length fits");
        mac.update(purpose.as_bytes());
        Zeroizing::new(mac.finalize().into_bytes().into())
    }
}

/// The mode of a file that is open to other users; none where it is not.
pub(super) fn mode_for_others(path: &Path) -> std::io::Result<Option<u32>> {
    let mode = fs::metadata(path)?.permissions().mode();
    Ok((mode & 0o077 != 0).then_some(mode & 0o777))
}

impl fmt::Debug for HostKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HostKey(…)")
    }
}
