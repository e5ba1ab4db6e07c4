//! Opening files that somebody else may have put there.

use std::io;
use std::path::Path;

use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

/// Opens a plain file for reading, and nothing else that has its name.
///
/// The last part of the path is not followed where it is a link, and a pipe or device is not
/// waited for. What is looked at is what was opened, whoever exchanges it meanwhile.
///
/// # Errors
///
/// When it is not there, or is no plain file.
pub(crate) fn open_plain(dir: &Dir, path: impl AsRef<Path>) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .custom_flags(i32::from_ne_bytes(flags.bits().to_ne_bytes()));
    let file = dir.open_with(path, &options)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is not a plain file"))
    }
}
