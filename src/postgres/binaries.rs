//! Where the server's programs are, and of which version.

use std::path::{Path, PathBuf};
use std::process::Command;

/// One installation of PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

/// Where to look, in this order.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// The folder that the operator configured; if there is one, nothing else counts.
    pub(super) configured: Option<PathBuf>,
    /// The folder of our own binary, which may have a `postgres/` folder beside it.
    pub(super) beside: Option<PathBuf>,
    /// The folders of `PATH`.
    pub(super) path: Vec<PathBuf>,
    /// Debian's folder of installed versions.
    pub(super) installed: PathBuf,
}

/// Why no PostgreSQL can be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BinariesError {
    #[error(
        "PostgreSQL is not installed: install it (Debian: `apt install postgresql`), put its \
         programs into a folder `postgres` beside `skep`, set `postgres_bin` to their folder, \
         or name a server with --database-url"
    )]
    NotFound,
    #[error("`{0}` has no usable `postgres` and `initdb`: set `postgres_bin` to a folder that has")]
    Configured(PathBuf),
    #[error(
        "the database in `{folder}` was made by PostgreSQL {made}, and only {} is here: install \
         PostgreSQL {made} too, or move the data with `pg_dump` of version {made} and \
         `pg_restore` into a new folder",
        versions(found)
    )]
    OtherMajor {
        folder: PathBuf,
        made: u32,
        found: Vec<u32>,
    },
}

impl Places {
    /// The installation to use for a new folder, or for one that `made` wrote.
    pub(super) fn choose(&self, made: Option<(&Path, u32)>) -> Result<Binaries, BinariesError> {
        let mut found = Vec::new();
        for folder in self.candidates() {
            let Some(major) = major_of(&folder) else {
                continue;
            };
            if made.is_none_or(|(_, made)| made == major) {
                return Ok(Binaries { folder, major });
            }
            if !found.contains(&major) {
                found.push(major);
            }
        }
        match (made, &self.configured) {
            (Some((folder, made)), _) if !found.is_empty() => Err(BinariesError::OtherMajor {
                folder: folder.to_owned(),
                made,
                found,
            }),
            (_, Some(folder)) => Err(BinariesError::Configured(folder.clone())),
            (_, None) => Err(BinariesError::NotFound),
        }
    }

    fn candidates(&self) -> Vec<PathBuf> {
        if let Some(folder) = &self.configured {
            return vec![folder.clone()];
        }
        let mut folders = Vec::new();
        if let Some(beside) = &self.beside {
            folders.push(beside.join("postgres/bin"));
            folders.push(beside.join("postgres"));
        }
        folders.extend(self.path.iter().filter(|path| path.is_absolute()).cloned());
        folders.extend(newest_first(&self.installed));
        folders
            .retain(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file());
        folders
    }
}

fn newest_first(installed: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(installed) else {
        return Vec::new();
    };
    let mut versions: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// Asks the program itself: a folder's name may say anything.
fn major_of(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres"))
        .arg("--version")
        .env_clear()
        .output()
        .ok()?;
    parse_major(str::from_utf8(&output.stdout).ok()?)
}

fn parse_major(text: &str) -> Option<u32> {
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = version
        .split(|character: char| !character.is_ascii_digit())
        .next()?;
    digits.parse().ok()
}

fn versions(found: &[u32]) -> String {
    let names: Vec<String> = found.iter().map(u32::to_string).collect();
    names.join(" and ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn install(folder: &Path, version: &str) {
        std::fs::create_dir_all(folder).unwrap();
        for program in ["postgres", "initdb"] {
            let path = folder.join(program);
            let script = format!("#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n");
            std::fs::write(&path, script).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        }
    }

    #[test]
    fn the_newest_installed_version_makes_a_new_folder() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17"] {
            install(
                &root.path().join(version).join("bin"),
                &format!("{version}.2 (Debian)"),
            );
        }
        let places = Places {
            installed: root.path().to_owned(),
            ..Places::default()
        };

        let chosen = places.choose(None).unwrap();

        assert_eq!(chosen.major, 17);
        assert_eq!(chosen.folder, root.path().join("17/bin"));
    }

    #[test]
    fn a_folder_is_opened_by_the_version_that_made_it() {
        let root = tempfile::tempdir().unwrap();
        for version in ["15", "17"] {
            install(
                &root.path().join(version).join("bin"),
                &format!("{version}.0"),
            );
        }
        let places = Places {
            installed: root.path().to_owned(),
            ..Places::default()
        };

        assert_eq!(places.choose(Some((Path::new("d"), 15))).unwrap().major, 15);
        let error = places.choose(Some((Path::new("d"), 14))).unwrap_err();

        let text = error.to_string();
        assert!(
            text.contains("made by PostgreSQL 14, and only 17 and 15 is here"),
            "{text}"
        );
        assert!(text.contains("`pg_dump` of version 14"), "{text}");
    }

    #[test]
    fn the_places_are_searched_in_order() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        install(&at("configured"), "14.1");
        install(&at("beside/postgres/bin"), "15.1");
        install(&at("path"), "16.1");
        install(&at("installed/17/bin"), "17.1");
        let mut places = Places {
            configured: Some(at("configured")),
            beside: Some(at("beside")),
            path: vec!["relative".into(), at("path")],
            installed: at("installed"),
        };

        assert_eq!(places.choose(None).unwrap().major, 14);
        places.configured = None;
        assert_eq!(places.choose(None).unwrap().major, 15);
        places.beside = None;
        assert_eq!(places.choose(None).unwrap().major, 16);
        places.path.clear();
        assert_eq!(places.choose(None).unwrap().major, 17);
    }

    #[test]
    fn a_configured_folder_without_the_programs_is_named() {
        let root = tempfile::tempdir().unwrap();
        let places = Places {
            configured: Some(root.path().to_owned()),
            installed: root.path().to_owned(),
            ..Places::default()
        };

        let text = places.choose(None).unwrap_err().to_string();

        assert!(text.contains(&root.path().display().to_string()), "{text}");
        assert!(text.contains("postgres_bin"), "{text}");
    }

    #[test]
    fn versions_of_betas_and_distributions_are_read() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 19beta2\n"), Some(19));
        assert_eq!(parse_major("initdb 15\n"), None);
    }
}
