//! Which files of a bundle a browser may be given, and what they are together.

use sha2::{Digest, Sha256};

use crate::app::{Bundle, COMPONENT, MANIFEST, javascript};

/// The SHA-256 of all files that are not the backend's, with their paths; none where there
/// are none.
///
/// There is no mark on a frontend's files, so all count that are not known to be for the
/// backend or for people.
pub(super) fn digest(bundle: &Bundle) -> Option<String> {
    let mut hash = Sha256::new();
    let mut is_empty = true;
    let scripts = javascript::backend_files(bundle);
    for (path, contents) in bundle.files() {
        if is_backend(path.as_str()) || scripts.contains(path.as_str()) {
            continue;
        }
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

fn is_backend(path: &str) -> bool {
    [MANIFEST, COMPONENT, "requirements.txt", "LICENSE"].contains(&path)
        || path.starts_with("tests/")
        || [".py", ".pyi", ".md"].iter().any(|end| path.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_of(files: &[(&str, &'static str)]) -> Option<String> {
        digest(&Bundle::for_tests(files))
    }

    #[test]
    fn a_backend_alone_has_no_frontend() {
        assert_eq!(
            digest_of(&[
                ("manifest.json", "{}"),
                ("main.py", ""),
                ("component.wasm", ""),
                ("libs/x/y.py", ""),
                ("README.md", ""),
                ("tests/main.test.js", ""),
            ]),
            None
        );
        let script = ("main.js", "require('lib/a')");
        assert_eq!(digest_of(&[script, ("lib/a.js", "")]), None);
        assert!(digest_of(&[script, ("js/a.js", "")]).is_some());
    }

    #[test]
    fn the_frontend_is_known_by_its_files_alone() {
        let page = ("index.html", "<p>");
        let first = digest_of(&[page, ("main.py", "1")]);

        assert_eq!(
            first,
            digest_of(&[page, ("main.py", "2"), ("manifest.json", "")])
        );
        for other in [
            vec![("index.html", "<b>")],
            vec![("index.htm", "<p>")],
            vec![page, ("js/data.json", "{}")],
        ] {
            assert_ne!(digest_of(&other), first, "{other:?}");
        }
    }
}
