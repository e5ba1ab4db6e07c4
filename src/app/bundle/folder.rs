//! A bundle as a folder, read through a capability for that folder alone.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirEntry, FileType};

use super::collector::{Collector, ReadError};
use super::error::shown;
use super::{Bundle, BundleError, BundlePath, Limits, junk};
use crate::files::open_plain;

/// Reads a folder, without what tools leave behind in it.
pub(super) fn read(folder: &Path, limits: &Limits) -> Result<Bundle, BundleError> {
    let failed = |error| BundleError::Read(folder.to_owned(), error);
    let root = Dir::open_ambient_dir(folder, ambient_authority()).map_err(failed)?;
    // `.` has a name too, and only the real path says it.
    let real = folder.canonicalize().map_err(failed)?;
    let name = real.file_name().and_then(|name| name.to_str());

    let mut walk = Walk {
        folder,
        collector: Collector::new(limits, None),
    };
    walk.enter(&root, "")?;
    walk.collector.finish(name.map(str::to_owned))
}

struct Walk<'a> {
    folder: &'a Path,
    collector: Collector<'a>,
}

impl Walk<'_> {
    // The depth is bounded by the length of a path, so this cannot recurse for ever.
    fn enter(&mut self, dir: &Dir, prefix: &str) -> Result<(), BundleError> {
        let mut entries = dir
            .entries()
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| self.failed(prefix, error))?;
        // Errors and lists come in the same order on every machine.
        entries.sort_unstable_by_key(DirEntry::file_name);
        for entry in entries {
            self.take(dir, &entry, prefix)?;
        }
        Ok(())
    }

    fn take(&mut self, dir: &Dir, entry: &DirEntry, prefix: &str) -> Result<(), BundleError> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let name = format!("{prefix}{}", name.to_string_lossy());
            return Err(BundleError::NotUtf8(shown(&name)));
        };
        let inside = format!("{prefix}{name}");
        let kind = entry
            .file_type()
            .map_err(|error| self.failed(&inside, error))?;
        if junk::is_left_out_of_folder(name, kind.is_dir()) {
            self.collector.skip(shown(&inside));
            return Ok(());
        }

        self.collector.count_entry()?;
        if let Some(kind) = special_kind(kind) {
            return Err(BundleError::Special(shown(&inside), kind));
        }
        let path =
            BundlePath::parse(&inside).map_err(|error| BundleError::Path(shown(&inside), error))?;
        if kind.is_dir() {
            let inner = (entry.open_dir()).map_err(|error| self.failed(&inside, error))?;
            self.collector.folder(path);
            return self.enter(&inner, &format!("{inside}/"));
        }
        // It may have become something else since it was looked at.
        let file = open_plain(dir, name).map_err(|error| self.failed(&inside, error))?;
        match self.collector.file(path, file) {
            Ok(_) => Ok(()),
            Err(ReadError::Rule(error)) => Err(error),
            Err(ReadError::Io(error)) => Err(self.failed(&inside, error)),
        }
    }

    fn failed(&self, inside: &str, error: io::Error) -> BundleError {
        let place: PathBuf = self.folder.join(inside);
        BundleError::Read(place, error)
    }
}

fn special_kind(kind: FileType) -> Option<&'static str> {
    if kind.is_file() || kind.is_dir() {
        None
    } else if kind.is_symlink() {
        Some("symbolic link")
    } else {
        Some("device, pipe or socket")
    }
}

#[cfg(test)]
mod tests;
