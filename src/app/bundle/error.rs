//! Why a zip or folder is not a bundle.

use std::io;
use std::path::PathBuf;

use super::path::InvalidPath;

/// Why a zip or folder is not a bundle. Each case is the author's to fix.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BundleError {
    #[error("this is not a zip file: pack the app's files into a .zip, manifest.json at its root")]
    NotAZip,
    #[error("the zip is damaged or cut off ({0}): pack or upload it again")]
    Damaged(String),
    #[error("the bundle is empty: pack the app's files, manifest.json at the root")]
    Empty,
    #[error(
        "everything in the bundle is inside the folder `{0}`, but manifest.json belongs at its \
         root: use the contents of `{0}`, not the folder itself"
    )]
    Wrapped(String),
    #[error("`{0}`: {1}")]
    Path(String, InvalidPath),
    #[error("`{0}`: its name is not UTF-8; rename it, or pack with a tool that writes UTF-8 names")]
    NotUtf8(String),
    #[error(
        "`{0}`: it is a {1}; bundles hold only files and folders, so put the file itself there"
    )]
    Special(String, &'static str),
    #[error("`{0}` stands in the bundle twice; keep one")]
    Duplicate(String),
    #[error("`{0}` is both a file and a folder; rename one")]
    FileAndFolder(String),
    #[error("`{0}` is encrypted; pack without a password")]
    Encrypted(String),
    #[error("`{0}` is packed by a method that is not supported; pack with plain deflate")]
    Compression(String),
    #[error("`{0}` is damaged ({1}): pack or upload the zip again")]
    DamagedMember(String, String),
    /// Two programs that read the zip could see two different bundles.
    #[error("`{0}`: the zip contradicts itself about it ({1}); pack it again")]
    Inconsistent(String, String),
    #[error("the zip contradicts itself ({0}); pack it again")]
    InconsistentZip(String),
    #[error("the zip is larger than {0} bytes; leave out what the app does not need")]
    UploadTooLarge(u64),
    #[error("the bundle has more than {0} entries; leave out what the app does not need")]
    TooManyEntries(usize),
    #[error("`{0}` is larger than {1} bytes; leave it out, or split it")]
    FileTooLarge(String, u64),
    #[error("the bundle is larger than {0} bytes unpacked; leave out what the app does not need")]
    TotalTooLarge(u64),
    #[error(
        "the bundle grows to more than {0} times its size when unpacked, as zip bombs do; leave \
         out large files of repeated bytes (the last one read was `{1}`)"
    )]
    Ratio(u64, String),
    #[error("cannot read `{0}`: {1}")]
    Read(PathBuf, io::Error),
    #[error("cannot write the zip: {0}")]
    Write(#[from] zip::result::ZipError),
}

impl BundleError {
    /// Whether the bundle is too large, rather than wrong.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(
            self,
            Self::UploadTooLarge(_)
                | Self::TooManyEntries(_)
                | Self::FileTooLarge(..)
                | Self::TotalTooLarge(_)
                | Self::Ratio(..)
        )
    }
}

/// A member's name as a message can carry it: whatever it holds, one bounded line.
pub(super) fn shown(name: &str) -> String {
    const MAX: usize = 200;
    let mut text: String = name
        .chars()
        .take(MAX)
        .flat_map(char::escape_debug)
        .collect();
    if name.chars().nth(MAX).is_some() {
        text.push('…');
    }
    text
}
