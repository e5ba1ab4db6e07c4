//! Which files of a bundle a browser may be given, and what they are together.
//!
//! There is no mark on a frontend's files, so all count that are not known to be for the
//! backend or for people. What is served and what is consented to are the same files.

pub(crate) mod modules;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{Bundle, BundlePath, COMPONENT, MANIFEST};

/// Folders at the root of which nothing is for browsers: Python packages, and tests.
const BACKEND_FOLDERS: [&str; 2] = ["libs", "tests"];

/// Files at the root that are for the backend or for people.
const OTHERS: [&str; 5] = [
    MANIFEST,
    COMPONENT,
    "license",
    "pyproject.toml",
    "requirements.txt",
];

const BACKEND_ENDINGS: [&str; 9] = ["lua", "md", "py", "pyc", "pyd", "pyi", "pyo", "pyx", "so"];

/// The files that a browser may be given, sorted by path.
pub(crate) fn files(bundle: &Bundle) -> impl Iterator<Item = (&BundlePath, &Bytes)> {
    let modules = modules::of_backend(bundle);
    bundle
        .files()
        .filter(move |(path, _)| !is_withheld(path) && !modules.contains(path.as_str()))
}

/// The SHA-256 of these files with their paths; none where there are none.
pub(crate) fn digest(bundle: &Bundle) -> Option<String> {
    let mut hash = Sha256::new();
    let mut is_empty = true;
    for (path, contents) in files(bundle) {
        is_empty = false;
        for part in [path.as_str().as_bytes(), contents] {
            // With its length before it, no part can be taken for its neighbour's end.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    let text = |text: String, byte: &u8| format!("{text}{byte:02x}");
    (!is_empty).then(|| hash.finalize().iter().fold(String::new(), text))
}

/// Whether a file is for the backend or for people by its path alone. Upper and lower case are
/// the same: the author's disk may not tell them apart.
fn is_withheld(path: &BundlePath) -> bool {
    let path = path.as_str().to_lowercase();
    let mut parts = path.split('/');
    let root = parts.next().unwrap_or_default();
    let is_hidden = path
        .split('/')
        .any(|part| part.starts_with('.') || part == "__pycache__");
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    is_hidden
        || BACKEND_FOLDERS.contains(&root)
        || OTHERS.contains(&path.as_str())
        || ending.is_some_and(|ending| BACKEND_ENDINGS.contains(&ending))
}

#[cfg(test)]
mod tests;
