//! A private folder for one piece of work, used through a capability for it alone.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, MetadataExt, OpenOptions, OpenOptionsExt};
use cap_std::fs::{Permissions, PermissionsExt};
use rustix::fs::FlockOperation;
use rustix::process::{Gid, Uid};

use crate::files::open_plain;

/// How many entries are looked at at once while a folder is emptied.
const BATCH: usize = 1_000;

/// Whom the folder and all in it are given to, if not to us.
pub(super) type Owner = Option<(Uid, Gid)>;

/// A new folder that is removed with this value.
pub(super) struct PrivateFolder {
    path: PathBuf,
    dir: Dir,
    /// Held for as long as we live, so that no [`sweep`] takes it away.
    _lock: File,
    above: Dir,
    name: OsString,
    owner: Owner,
}

impl PrivateFolder {
    /// Makes one below `work`, which is made too if need be.
    pub(super) fn create(work: &Path, prefix: &str, owner: Owner) -> io::Result<Self> {
        std::fs::create_dir_all(work)?;
        // It makes a folder for its owner alone, under a name that nobody has.
        let path = tempfile::Builder::new()
            .prefix(prefix)
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .tempdir_in(std::path::absolute(work)?)?
            .keep();
        let above = Dir::open_ambient_dir(work, ambient_authority())?;
        let name = path.file_name().unwrap_or_default().to_owned();
        let dir = above.open_dir(&name)?;
        let lock = dir.open(".")?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        give(&lock, owner)?;
        Ok(Self {
            path,
            dir,
            _lock: lock,
            above,
            name,
            owner,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        if let Some((folders, _)) = path.rsplit_once('/') {
            self.make_folder(folders)?;
        }
        let mut options = OpenOptions::new();
        // On a disk that takes two names for one, the second must not take the first's place.
        options.write(true).create_new(true).mode(0o600);
        let mut file = self.dir.open_with(path, &options)?;
        file.write_all(contents)?;
        give(&file, self.owner)
    }

    pub(super) fn make_folder(&self, path: &str) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        let ends = path.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([path.len()]) {
            let folder = path.get(..end).unwrap_or_default();
            match self.dir.create_dir_with(folder, &builder) {
                Ok(()) => give(&self.dir.open(folder)?, self.owner)?,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn take(&self, name: &str, most: u64) -> io::Result<Vec<u8>> {
        // A link could lead to a file that only we may read.
        let file = open_plain(&self.dir, name)?;
        let metadata = file.metadata()?;
        if metadata.nlink() != 1 {
            return Err(io::Error::other(format!("`{name}` has another name")));
        }
        let too_large = || io::Error::other(format!("`{name}` is larger than {most} bytes"));
        if metadata.len() > most {
            return Err(too_large());
        }
        let mut contents = Vec::new();
        file.take(most + 1).read_to_end(&mut contents)?;
        if contents.len() as u64 > most {
            return Err(too_large());
        }
        Ok(contents)
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let removed = empty(&self.dir).and_then(|()| self.above.remove_dir(&self.name));
        if let Err(error) = removed {
            tracing::warn!(path = %self.path.display(), %error, "a folder of work stays until the next start");
        }
    }
}

/// Removes what a crash has left below `work`. What another process works in stays.
///
/// # Errors
///
/// When `work` is there and cannot be read.
pub(crate) fn sweep(work: &Path) -> io::Result<()> {
    sweep_where(work, false, |_| true).map(|_| ())
}

/// The same while work goes on: what was changed since a time stays too, because a new folder is
/// not locked at once. What comes back is how much went, or would go in a dry run.
///
/// # Errors
///
/// When `work` is there and cannot be read.
pub(crate) fn sweep_before(work: &Path, time: SystemTime, dry_run: bool) -> io::Result<usize> {
    sweep_where(work, dry_run, |modified| modified < time)
}

fn sweep_where(work: &Path, dry_run: bool, goes: impl Fn(SystemTime) -> bool) -> io::Result<usize> {
    let above = match Dir::open_ambient_dir(work, ambient_authority()) {
        Ok(above) => above,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut swept = 0;
    for entry in above.entries()? {
        let entry = entry?;
        let name = entry.file_name();
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if !goes(metadata.modified()?.into_std()) {
            continue;
        }
        let removed = if metadata.is_dir() {
            let dir = above.open_dir(&name)?;
            let lock = dir.open(".")?;
            if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            if dry_run {
                Ok(())
            } else {
                empty(&dir).and_then(|()| above.remove_dir(&name))
            }
        } else if dry_run {
            Ok(())
        } else {
            above.remove_file(&name)
        };
        match removed {
            Ok(()) => swept += 1,
            Err(error) => {
                tracing::warn!(name = %name.display(), %error, "old work cannot be removed");
            }
        }
    }
    Ok(swept)
}

/// Removes everything in a folder, however deep: what is nested is brought up, because going
/// down would take a file descriptor and a piece of stack for each level.
fn empty(top: &Dir) -> io::Result<()> {
    let mut moved = 0_u64;
    loop {
        let batch = entries(top)?;
        if batch.is_empty() {
            return Ok(());
        }
        for (name, is_folder) in batch {
            if !is_folder {
                top.remove_file(&name)?;
                continue;
            }
            // Its maker may have closed it even to its owner.
            top.set_permissions(&name, Permissions::from_mode(0o700))?;
            let folder = top.open_dir(&name)?;
            loop {
                let nested = entries(&folder)?;
                if nested.is_empty() {
                    break;
                }
                for (inner, is_folder) in nested {
                    if is_folder {
                        folder.set_permissions(&inner, Permissions::from_mode(0o700))?;
                        bring_up(&folder, &inner, top, &mut moved)?;
                    } else {
                        folder.remove_file(&inner)?;
                    }
                }
            }
            top.remove_dir(&name)?;
        }
    }
}

/// Moves a folder to the top, under the first number that is free.
fn bring_up(from: &Dir, name: &OsString, top: &Dir, moved: &mut u64) -> io::Result<()> {
    use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotADirectory};
    loop {
        *moved += 1;
        match from.rename(name, top, moved.to_string()) {
            Err(error)
                if matches!(
                    error.kind(),
                    AlreadyExists | DirectoryNotEmpty | NotADirectory
                ) => {}
            result => return result,
        }
    }
}

/// Some entries of a folder: their names, and whether they are folders.
fn entries(folder: &Dir) -> io::Result<Vec<(OsString, bool)>> {
    folder
        .entries()?
        .take(BATCH)
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name(), entry.file_type()?.is_dir()))
        })
        .collect()
}

fn give(to: impl AsFd, owner: Owner) -> io::Result<()> {
    let Some((uid, gid)) = owner else {
        return Ok(());
    };
    Ok(rustix::fs::fchown(to, Some(uid), Some(gid))?)
}

#[cfg(test)]
mod tests;
