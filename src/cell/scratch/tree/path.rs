//! A path inside the scratch folder, in parts.

use super::{NodeId, Refusal};

/// The longest name of one file, in bytes.
const MAX_PART: usize = 255;
/// The longest path, in bytes.
const MAX_PATH: usize = 4096;

/// The parts of a path that say something.
pub(super) struct Parts<'a> {
    parts: Vec<&'a str>,
    wants_folder: bool,
}

/// Where a file or folder stands, or would stand.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) parent: NodeId,
    pub(super) name: &'a str,
    /// Whether the path says, by how it ends, that it is a folder's.
    pub(super) wants_folder: bool,
}

impl<'a> Parts<'a> {
    /// Refuses what no path inside can be.
    pub(super) fn of(path: &'a str) -> Result<Self, Refusal> {
        if path.is_empty() {
            return Err(Refusal::NotFound);
        }
        if path.starts_with('/') {
            return Err(Refusal::NotPermitted);
        }
        if path.contains('\0') {
            return Err(Refusal::Invalid);
        }
        let parts: Vec<_> = path
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if path.len() > MAX_PATH || parts.iter().any(|part| part.len() > MAX_PART) {
            return Err(Refusal::NameTooLong);
        }
        Ok(Self {
            parts,
            wants_folder: path.ends_with('/') || path.ends_with("/."),
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'a str> {
        self.parts.iter().copied()
    }

    pub(super) fn wants_folder(&self) -> bool {
        self.wants_folder
    }

    /// The last part, which must be a name of its own, and what is before it.
    pub(super) fn last(&self) -> Result<(&'a str, &[&'a str]), Refusal> {
        match self.parts.split_last() {
            Some((&"..", _)) | None => Err(Refusal::Invalid),
            Some((name, before)) => Ok((name, before)),
        }
    }
}
