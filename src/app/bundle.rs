//! A bundle: the files that an author hands over, by path, as a zip or a folder.
//!
//! Whatever the source, the same rules hold: paths stay inside, nothing is special, sizes
//! are bounded ([`Limits`]), and the manifest is not wrapped in one more folder. Every error
//! names the member and the fix.

mod archive;
mod collector;
mod error;
mod folder;
mod junk;
mod limits;
mod path;

pub(crate) use error::BundleError;
pub(crate) use limits::Limits;
pub(crate) use path::BundlePath;

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::Finding;

/// The files of an app, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bundle {
    files: BTreeMap<BundlePath, Bytes>,
    skipped: Vec<String>,
    folder_name: Option<String>,
}

impl Bundle {
    /// Reads a zip that somebody uploaded.
    ///
    /// # Errors
    ///
    /// When it is not a zip, or breaks one of the rules above.
    pub(crate) fn from_zip(zip: &[u8]) -> Result<Self, BundleError> {
        archive::read(zip, &Limits::CONTRACT)
    }

    /// Reads an app's folder, without what tools leave behind in it; see
    /// [`Bundle::skipped`].
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or breaks one of the rules above.
    pub(crate) fn from_folder(folder: &Path) -> Result<Self, BundleError> {
        folder::read(folder, &Limits::CONTRACT)
    }

    /// A bundle of these files, by path.
    #[cfg(test)]
    pub(crate) fn for_tests(files: &[(&str, &'static str)]) -> Self {
        let file = |(path, contents): &(&str, &'static str)| {
            let path = BundlePath::parse(path).expect("a good path");
            (path, Bytes::from_static(contents.as_bytes()))
        };
        Self {
            files: files.iter().map(file).collect(),
            skipped: Vec::new(),
            folder_name: None,
        }
    }

    /// Writes the bundle as a zip. Equal bundles give equal bytes.
    ///
    /// # Errors
    ///
    /// When a file does not fit into a zip.
    pub(crate) fn to_zip(&self) -> Result<Vec<u8>, BundleError> {
        archive::write(&self.files)
    }

    /// The SHA-256 of paths and contents in hexadecimal, whatever the zip around them
    /// looked like.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, contents) in &self.files {
            for part in [path.as_str().as_bytes(), contents] {
                // With its length before it, no part can be taken for its neighbour's end.
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        hash.finalize()
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    pub(crate) fn file(&self, path: &str) -> Option<&Bytes> {
        self.files.get(path)
    }

    /// The files, sorted by path.
    pub(crate) fn files(&self) -> impl ExactSizeIterator<Item = (&BundlePath, &Bytes)> {
        self.files.iter()
    }

    /// Adds a file, or puts it in the place of one with the same path.
    pub(crate) fn insert(&mut self, path: BundlePath, contents: Bytes) {
        self.files.insert(path, contents);
    }

    /// What was left out because tools had put it there, as shown to the author.
    pub(crate) fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// What the author should mend in the files as such.
    pub(crate) fn warnings(&self) -> Vec<Finding> {
        junk::warnings(self)
    }

    /// Whether a folder of this name is left out of a bundle, with everything in it.
    pub(crate) fn leaves_out_folder(name: &str) -> bool {
        junk::is_left_out_of_folder(name, true)
    }

    /// The name of the folder that the bundle was read from.
    pub(crate) fn folder_name(&self) -> Option<&str> {
        self.folder_name.as_deref()
    }
}

#[cfg(test)]
mod tests;
