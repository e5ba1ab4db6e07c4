//! Where the command that builds Python components is.

use std::path::{Path, PathBuf};

const COMMAND: &str = "componentize-py";

/// The builder is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BuilderMissing {
    #[error(
        "Python apps need the command `componentize-py`, which is neither beside `skep` nor in \
         PATH: run `cargo install componentize-py --version 0.25.1 --locked`, or deploy a bundle \
         that `skep build` made elsewhere"
    )]
    NotFound,
    #[error("`{0}`, which the settings name as componentize-py, is not a file")]
    NotThere(PathBuf),
    #[error(
        "`{command}` is a script, and the unprivileged user who builds cannot pass through \
         `{folder}` to what it needs: run `chmod o+x {folder}`, install componentize-py \
         elsewhere, or run Skep as an ordinary user"
    )]
    OutOfReach { command: PathBuf, folder: PathBuf },
}

/// Finds the builder: the configured one, else one beside our own binary, else in PATH.
///
/// # Errors
///
/// When there is none; the text says how to install it.
pub(crate) fn locate(
    configured: Option<&Path>,
    path: &[PathBuf],
) -> Result<PathBuf, BuilderMissing> {
    if let Some(configured) = configured {
        let found = std::path::absolute(configured)
            .ok()
            .filter(|path| path.is_file());
        return found.ok_or_else(|| BuilderMissing::NotThere(configured.to_owned()));
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|binary| binary.parent().map(Path::to_owned));
    beside
        .iter()
        .chain(path)
        .map(|folder| folder.join(COMMAND))
        .find(|candidate| candidate.is_absolute() && candidate.is_file())
        .ok_or(BuilderMissing::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_builder_that_is_not_there_is_named() {
        let error = locate(Some(Path::new("/no/such/builder")), &[]).unwrap_err();

        assert_eq!(error, BuilderMissing::NotThere("/no/such/builder".into()));
    }

    #[test]
    fn without_a_builder_the_error_says_what_to_install() {
        let error = locate(None, &[PathBuf::from("/nowhere")]).unwrap_err();

        assert!(error.to_string().contains("cargo install componentize-py"));
    }

    #[test]
    fn the_builder_is_found_in_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let command = folder.path().join(COMMAND);
        std::fs::write(&command, "").unwrap();

        assert_eq!(locate(None, &[folder.path().to_owned()]), Ok(command));
    }
}
