//! Compiled components on disk: authenticated, then mapped.
//!
//! This is the one module with `unsafe`: running compiled code that somebody else wrote would
//! be running their machine code in the host. So an image carries a MAC under a key of the
//! host, over the code, the component it came from and the engine it is for, and is checked
//! in the very bytes that are then loaded.

#![expect(unsafe_code, reason = "see the module's documentation")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use crate::services::HostKey;

const MAC_BYTES: usize = 32;

/// A folder of compiled components, named by what they were compiled from and for.
pub(crate) struct ImageCache {
    folder: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// Differs wherever the engine's version, settings or target differ.
    engine: String,
}

impl ImageCache {
    /// Opens the cache, making its folder where there is none.
    pub(crate) fn open(folder: PathBuf, key: &HostKey, engine: &Engine) -> std::io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            key: key.derive("compiled components"),
            engine: fingerprint(engine),
        })
    }

    /// Loads a compiled component; none where it is not there or was tampered with.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        match self.open_image(engine, digest)? {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(digest, %error, "a compiled component does not load: it is compiled again");
                None
            }
        }
    }

    /// Loads what was kept just now, or says why the engine does not take it: where it wants more
    /// than there is for one cell.
    pub(crate) fn load_new(
        &self,
        engine: &Engine,
        digest: &str,
    ) -> Result<Component, wasmtime::Error> {
        let changed = || Err(wasmtime::Error::msg("it was changed on disk"));
        let loaded = self.open_image(engine, digest).unwrap_or_else(changed);
        if loaded.is_err() {
            let _ = fs::remove_file(self.path(digest));
        }
        loaded
    }

    fn open_image(
        &self,
        engine: &Engine,
        digest: &str,
    ) -> Option<Result<Component, wasmtime::Error>> {
        let bytes = fs::read(self.path(digest)).ok()?;
        let (mac, code) = bytes.split_first_chunk::<MAC_BYTES>()?;
        if self.mac(digest, code).verify_slice(mac).is_err() {
            tracing::warn!(
                digest,
                "a compiled component was changed on disk: it is compiled again"
            );
            return None;
        }

        // SAFETY: the MAC shows that these bytes were written by `store`, which gets them from
        // our own compiler, for this component and an engine of this fingerprint. They are the
        // bytes that were checked, so nobody can change them in between.
        Some(unsafe { Component::deserialize(engine, code) })
    }

    /// Keeps the code that our compiler made of a component.
    pub(crate) fn store(&self, digest: &str, code: &[u8]) -> std::io::Result<()> {
        let path = self.path(digest);
        let staged = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&staged)?;
        file.write_all(&self.mac(digest, code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(&staged, &path)
    }

    fn path(&self, digest: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{}.image", self.engine))
    }

    fn mac(&self, digest: &str, code: &[u8]) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).expect("any length fits");
        for part in [digest.as_bytes(), self.engine.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.update(code);
        mac
    }
}

/// The folder of the cache below the data folder.
pub(crate) fn folder(data: &Path) -> PathBuf {
    data.join("cache").join("compiled")
}

fn fingerprint(engine: &Engine) -> String {
    use std::hash::{Hash, Hasher};

    /// Feeds what is hashed to SHA-256, so that the name is the same in every process.
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }

    let mut hasher = Sha(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut hasher);
    let digest = hasher.0.finalize();
    digest
        .iter()
        .take(8)
        .fold(String::new(), |name, byte| name + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::engine::for_compiling;

    #[test]
    fn code_that_counts_instructions_is_kept_apart_from_code_that_does_not() {
        let engine = |count_fuel| fingerprint(&for_compiling(count_fuel).unwrap());

        assert_eq!(engine(true), engine(true));
        assert_ne!(engine(true), engine(false));
    }
}
