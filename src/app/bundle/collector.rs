//! Gathers the members of a bundle, whatever the source, and keeps the common rules.

use std::collections::BTreeMap;
use std::io::{self, Read};

use bytes::Bytes;

use super::error::shown;
use super::{Bundle, BundleError, BundlePath, Limits};

const CHUNK: usize = 64 * 1024;

/// The members gathered so far.
pub(super) struct Collector<'a> {
    limits: &'a Limits,
    /// Size of the zip; a folder has none, and so no ratio.
    packed: Option<u64>,
    entries: usize,
    total: u64,
    files: BTreeMap<BundlePath, Bytes>,
    folders: Vec<BundlePath>,
    skipped: Vec<String>,
}

/// Why a member's contents could not be taken.
pub(super) enum ReadError {
    Rule(BundleError),
    Io(io::Error),
}

impl<'a> Collector<'a> {
    pub(super) fn new(limits: &'a Limits, packed: Option<u64>) -> Self {
        Self {
            limits,
            packed,
            entries: 0,
            total: 0,
            files: BTreeMap::new(),
            folders: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// Counts one more member, of whatever kind.
    pub(super) fn count_entry(&mut self) -> Result<(), BundleError> {
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(BundleError::TooManyEntries(self.limits.entries));
        }
        Ok(())
    }

    /// Notes a member that is left out.
    pub(super) fn skip(&mut self, name: String) {
        self.skipped.push(name);
    }

    pub(super) fn folder(&mut self, path: BundlePath) {
        self.folders.push(path);
    }

    /// Takes one file, and returns its size.
    pub(super) fn file(&mut self, path: BundlePath, contents: impl Read) -> Result<u64, ReadError> {
        if self.files.contains_key(&path) {
            return Err(ReadError::Rule(BundleError::Duplicate(shown(
                path.as_str(),
            ))));
        }
        let contents = self.read(&path, contents)?;
        let size = contents.len() as u64;
        self.files.insert(path, contents.into());
        Ok(size)
    }

    // Sizes are counted while reading: what a zip declares about itself may be a lie.
    fn read(&mut self, path: &BundlePath, mut from: impl Read) -> Result<Vec<u8>, ReadError> {
        let mut contents = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let count = match from.read(&mut chunk) {
                Ok(0) => return Ok(contents),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(ReadError::Io(error)),
            };
            self.total += count as u64;
            self.check_sizes(path, (contents.len() + count) as u64)
                .map_err(ReadError::Rule)?;
            contents.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn check_sizes(&self, path: &BundlePath, file: u64) -> Result<(), BundleError> {
        let limits = self.limits;
        if file > limits.file {
            return Err(BundleError::FileTooLarge(shown(path.as_str()), limits.file));
        }
        if self.total > limits.total {
            return Err(BundleError::TotalTooLarge(limits.total));
        }
        if let Some(packed) = self.packed
            && self.total > limits.ratio_from
            && self.total / packed.max(1) >= limits.ratio
        {
            return Err(BundleError::Ratio(limits.ratio, shown(path.as_str())));
        }
        Ok(())
    }

    pub(super) fn finish(self, folder_name: Option<String>) -> Result<Bundle, BundleError> {
        self.check_kinds()?;
        match self.wrapper() {
            _ if self.files.is_empty() => return Err(BundleError::Empty),
            Some(folder) => return Err(BundleError::Wrapped(shown(folder))),
            None => {}
        }
        Ok(Bundle {
            files: self.files,
            skipped: self.skipped,
            folder_name,
        })
    }

    /// Refuses a path that is a file here and a folder there.
    fn check_kinds(&self) -> Result<(), BundleError> {
        // With the lowest character in the place of `/`, which no path has, whatever is in
        // a folder sorts right behind the folder's own name.
        let key = |path: &BundlePath| path.as_str().replace('/', "\0");
        let mut keys: Vec<_> = (self.files.keys().map(|path| (key(path), false)))
            .chain(self.folders.iter().map(|path| (key(path), true)))
            .collect();
        keys.sort_unstable();

        let mut file: Option<&str> = None;
        for (key, is_folder) in &keys {
            let rest = file.and_then(|file| key.strip_prefix(file));
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\0')) {
                let file = file.unwrap_or_default().replace('\0', "/");
                return Err(BundleError::FileAndFolder(shown(&file)));
            }
            if !is_folder {
                file = Some(key);
            }
        }
        Ok(())
    }

    /// The one folder that every file is in, if there is one.
    fn wrapper(&self) -> Option<&str> {
        let mut tops = self
            .files
            .keys()
            .map(|path| path.as_str().split_once('/').map(|(top, _)| top));
        let first = tops.next()??;
        tops.all(|top| top == Some(first)).then_some(first)
    }
}
