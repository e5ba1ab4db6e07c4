//! The login that is kept between commands: a file that only its owner can read.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;

/// Which server was logged in to, and what proves it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) token: SecretString,
}

/// Why there is no telling whether there is a login, or no keeping it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    #[error("cannot read or write the login in `{0}`: {1}")]
    Io(PathBuf, io::Error),
    #[error("`{0}` does not hold a login: run `skep login`")]
    Malformed(PathBuf),
    #[error("there is no place to keep the login: set HOME or XDG_CONFIG_HOME")]
    NoHome,
}

impl Session {
    /// The login that is kept, if there is one.
    pub(crate) fn load(path: &Path) -> Result<Option<Self>, SessionError> {
        match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|_| SessionError::Malformed(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SessionError::Io(path.to_owned(), error)),
        }
    }

    /// Keeps the login in place of any other.
    pub(crate) fn save(&self, path: &Path) -> Result<(), SessionError> {
        self.write(path)
            .map_err(|error| SessionError::Io(path.to_owned(), error))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        // A file that is there already may be open to others; a new one is not.
        let staged = path.with_extension("new");
        remove(&staged)?;
        let mut file: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&staged)?;
        let content = json!({ "url": self.url, "token": self.token.expose_secret() });
        writeln!(file, "{content}")?;
        fs::rename(&staged, path)
    }
}

/// Forgets the login.
pub(crate) fn forget(path: &Path) -> Result<(), SessionError> {
    remove(path).map_err(|error| SessionError::Io(path.to_owned(), error))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn session() -> Session {
        Session {
            url: "http://127.0.0.1:3000".into(),
            token: "secret".into(),
        }
    }

    #[test]
    fn a_login_is_kept_where_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("skep").join("session.json");
        assert!(Session::load(&path).unwrap().is_none());

        session().save(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        session().save(&path).unwrap();

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        let kept = Session::load(&path).unwrap().unwrap();
        assert_eq!(kept.url, session().url);
        assert_eq!(kept.token.expose_secret(), "secret");
        assert!(!format!("{kept:?}").contains("secret"));

        forget(&path).unwrap();
        forget(&path).unwrap();
        assert!(Session::load(&path).unwrap().is_none());
    }

    #[test]
    fn a_file_that_holds_no_login_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session.json");
        fs::write(&path, "{}").unwrap();

        let error = Session::load(&path).unwrap_err();

        assert_eq!(
            error.to_string(),
            format!(
                "`{}` does not hold a login: run `skep login`",
                path.display()
            )
        );
    }
}
