//! Compiled components on disk: authenticated, then mapped.
//!
//! This is the one module with `unsafe`: running compiled code that somebody else wrote would
//! be running their machine code in the host. So an image carries a MAC under a key of the
//! host, over the code, the component it came from and the engine it is for, and is checked
//! in the very bytes that are then loaded.

#![expect(unsafe_code, reason = "see the module's documentation")]

use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use hmac::{Hmac, KeyInit, Mac};
use rustix::fs::{AtFlags, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;
use zeroize::Zeroizing;

use super::compile::LIMITS;
use crate::files::open_plain;
use crate::services::HostKey;

const MAC_BYTES: usize = 32;
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: UTIME_NOW,
};
const OMIT: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: UTIME_OMIT,
};
/// No image is larger: that is what the compiler may write.
const IMAGE_BYTES: u64 = LIMITS.file_size + MAC_BYTES as u64;

/// A folder of compiled components, named by what they were compiled from and for.
pub(crate) struct ImageCache {
    folder: Dir,
    key: Zeroizing<[u8; 32]>,
    /// Differs wherever the engine's version, settings or target differ.
    engine: String,
}

/// A file of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageFile {
    pub(crate) name: String,
    /// Of the component that it was compiled from.
    pub(crate) digest: String,
    pub(crate) bytes: u64,
    /// When it was last loaded, or made.
    pub(crate) used: SystemTime,
}

/// What follows the name of an image that is being written.
const STAGED: &str = ".new";

impl ImageCache {
    /// Opens the cache, making its folder where there is none, for us alone.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, opened, or closed to others.
    pub(crate) fn open(folder: &Path, key: &HostKey, engine: &Engine) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let dir = Dir::open_ambient_dir(folder, ambient_authority())?;
        if dir.dir_metadata()?.mode() & 0o077 != 0 {
            dir.set_permissions(".", Permissions::from_mode(0o700))?;
        }
        Ok(Self {
            folder: dir,
            key: key.derive("compiled components"),
            engine: fingerprint(engine),
        })
    }

    /// Loads a compiled component; none where it is not there or was tampered with.
    pub(crate) fn load(&self, engine: &Engine, digest: &str) -> Option<Component> {
        match self.open_image(engine, digest)? {
            Ok(component) => Some(component),
            Err(error) => {
                self.refuse(digest, &format!("does not load ({error})"));
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
            let _ = self.clear(&self.name(digest));
        }
        loaded
    }

    fn open_image(
        &self,
        engine: &Engine,
        digest: &str,
    ) -> Option<Result<Component, wasmtime::Error>> {
        let bytes = match self.read(digest) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                self.refuse(digest, &format!("cannot be read ({error})"));
                return None;
            }
        };
        let authentic = bytes
            .split_first_chunk::<MAC_BYTES>()
            .filter(|(mac, code)| self.mac(digest, code).verify_slice(mac.as_slice()).is_ok());
        let Some((_, code)) = authentic else {
            self.refuse(digest, "was changed on disk");
            return None;
        };

        self.touch(digest);
        // SAFETY: the MAC shows that these bytes were written by `store`, which gets them from
        // our own compiler, for this component and an engine of this fingerprint. They are the
        // bytes that were checked, so nobody can change them in between.
        Some(unsafe { Component::deserialize(engine, code) })
    }

    /// Removes what is no image of ours, so that it is told once and compiled again.
    fn refuse(&self, digest: &str, why: &str) {
        tracing::warn!(digest, "a compiled component {why}: it is compiled again");
        if let Err(error) = self.clear(&self.name(digest)) {
            tracing::warn!(digest, %error, "it cannot be removed");
        }
    }

    /// Keeps the code that our compiler made of a component, in the place of whatever is there.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub(crate) fn store(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        let name = self.name(digest);
        let staged = format!("{name}.{}{STAGED}", std::process::id());
        // What somebody has put there must not be written through, or into.
        self.clear(&staged)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = self.folder.open_with(&staged, &options)?;
        file.write_all(&self.mac(digest, code).finalize().into_bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        match self.folder.rename(&staged, &self.folder, &name) {
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                self.clear(&name)?;
                self.folder.rename(&staged, &self.folder, &name)
            }
            result => result,
        }
    }

    /// The images that are there, those of other versions of Skep too, and what a crash has left
    /// of one. Files of other names are somebody else's.
    pub(crate) fn list(&self) -> io::Result<Vec<ImageFile>> {
        let mut images = Vec::new();
        for entry in self.folder.entries()? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_ours =
                name.ends_with(".image") || (name.contains(".image.") && name.ends_with(STAGED));
            let (Some((digest, _)), true) = (name.split_once('-'), is_ours) else {
                continue;
            };
            let metadata = match entry.metadata() {
                Ok(metadata) if metadata.is_file() => metadata,
                Ok(_) => continue,
                // Somebody has just removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            images.push(ImageFile {
                digest: digest.to_owned(),
                bytes: metadata.len(),
                used: metadata.modified()?.into_std(),
                name,
            });
        }
        Ok(images)
    }

    pub(crate) fn remove(&self, image: &ImageFile) -> io::Result<()> {
        self.clear(&image.name)
    }

    /// Notes that an image is used, for whoever looks for those that are not.
    fn touch(&self, digest: &str) {
        let now = Timestamps {
            last_access: OMIT,
            last_modification: NOW,
        };
        let touched = rustix::fs::utimensat(
            &self.folder,
            self.name(digest),
            &now,
            AtFlags::SYMLINK_NOFOLLOW,
        );
        if let Err(error) = touched {
            tracing::debug!(digest, %error, "the time of a compiled component stays");
        }
    }

    fn name(&self, digest: &str) -> String {
        format!("{digest}-{}.image", self.engine)
    }

    /// All of an image, in memory: what is checked there is what is then used.
    fn read(&self, digest: &str) -> io::Result<Vec<u8>> {
        let file = open_plain(&self.folder, self.name(digest))?;
        let length = file.metadata()?.len();
        if length > IMAGE_BYTES {
            return Err(io::Error::other("it is larger than any image"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        // It may grow while it is read. What is cut off does not match its MAC.
        file.take(IMAGE_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Removes whatever has this name.
    fn clear(&self, name: &str) -> io::Result<()> {
        let removed = match self.folder.symlink_metadata(name) {
            Ok(found) if found.is_dir() => self.folder.remove_dir_all(name),
            Ok(_) => self.folder.remove_file(name),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            result => result,
        }
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
mod tests;
