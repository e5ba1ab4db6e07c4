//! A file's place in a bundle: relative, with `/` between the parts, never outside.

use std::borrow::Borrow;
use std::fmt;

const MAX_PART: usize = 255;
const MAX_PATH: usize = 1024;

/// A normal path: no empty, `.` or `..` part, no control character, bounded lengths.
///
/// Letters are compared as they are: `A.py` and `a.py` are two files.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BundlePath(String);

/// Why a name cannot be a file's place in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidPath {
    #[error("its name is empty")]
    Empty,
    #[error("it is an absolute path; paths begin at the bundle root")]
    Absolute,
    #[error("it begins with a drive letter; paths begin at the bundle root")]
    Drive,
    #[error("it has a part `..`, which leads out of the bundle")]
    Parent,
    #[error("its name has a control character (U+{0:04X}); rename it")]
    Control(u32),
    #[error("a part of its name is longer than {MAX_PART} bytes; shorten it")]
    LongPart,
    #[error("its path is longer than {MAX_PATH} bytes; shorten it")]
    LongPath,
}

impl BundlePath {
    /// Normalises a member's name: `\` is read as `/`, which some packers for Windows do
    /// not write, and parts that say nothing are dropped.
    pub(crate) fn parse(name: &str) -> Result<Self, InvalidPath> {
        if let Some(control) = name.chars().find(|letter| letter.is_control()) {
            return Err(InvalidPath::Control(control.into()));
        }
        let name = name.replace('\\', "/");
        if name.starts_with('/') {
            return Err(InvalidPath::Absolute);
        }

        let parts: Vec<_> = name
            .split('/')
            .filter(|part| !part.is_empty() && *part != ".")
            .collect();
        if parts.contains(&"..") {
            return Err(InvalidPath::Parent);
        }
        if parts.iter().any(|part| part.len() > MAX_PART) {
            return Err(InvalidPath::LongPart);
        }
        let path = parts.join("/");
        if path.is_empty() {
            return Err(InvalidPath::Empty);
        }
        if matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic()) {
            return Err(InvalidPath::Drive);
        }
        if path.len() > MAX_PATH {
            return Err(InvalidPath::LongPath);
        }
        Ok(Self(path))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts between the slashes, from the root on.
    pub(crate) fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last part.
    pub(crate) fn file_name(&self) -> &str {
        self.parts().next_back().unwrap_or_default()
    }
}

impl Borrow<str> for BundlePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for BundlePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "BundlePath({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal(name: &str) -> Result<String, InvalidPath> {
        BundlePath::parse(name).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn a_path_is_normalised() {
        for (name, expected) in [
            ("main.py", "main.py"),
            ("./main.py", "main.py"),
            ("a//b/./c", "a/b/c"),
            ("libs\\package\\x.py", "libs/package/x.py"),
            ("folder/", "folder"),
            ("..foo", "..foo"),
            ("a/...", "a/..."),
            ("ünï/文.txt", "ünï/文.txt"),
        ] {
            assert_eq!(normal(name).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_refused() {
        for (name, expected) in [
            ("../x", InvalidPath::Parent),
            ("a/../../x", InvalidPath::Parent),
            ("a\\..\\x", InvalidPath::Parent),
            ("..", InvalidPath::Parent),
            ("/etc/passwd", InvalidPath::Absolute),
            ("\\\\server\\share", InvalidPath::Absolute),
            ("C:\\x", InvalidPath::Drive),
            ("c:x", InvalidPath::Drive),
            ("./c:/x", InvalidPath::Drive),
            ("a\0b", InvalidPath::Control(0)),
            ("a\nb", InvalidPath::Control(10)),
            ("a\u{85}b", InvalidPath::Control(0x85)),
            ("", InvalidPath::Empty),
            ("./.", InvalidPath::Empty),
        ] {
            assert_eq!(normal(name), Err(expected), "{name:?}");
        }
    }

    #[test]
    fn the_lengths_of_parts_and_path_are_bounded() {
        assert!(normal(&"x".repeat(255)).is_ok());
        assert_eq!(normal(&"x".repeat(256)), Err(InvalidPath::LongPart));
        let long = ["x".repeat(255).as_str(); 4].join("/");
        assert_eq!(long.len(), 1023);
        assert!(normal(&long).is_ok());
        assert_eq!(normal(&format!("{long}/x")), Err(InvalidPath::LongPath));
    }

    proptest! {
        #[test]
        fn no_name_escapes_the_bundle(name in r"([./\\:a-c\x00-\x20é]{0,12}|.{0,40})") {
            if let Ok(path) = BundlePath::parse(&name) {
                let joined = std::path::Path::new("root").join(path.as_str());
                prop_assert!(joined.starts_with("root"));
                prop_assert!(joined.components().all(
                    |part| matches!(part, std::path::Component::Normal(_))
                ));
                prop_assert_eq!(BundlePath::parse(path.as_str()), Ok(path));
            }
        }
    }
}
