//! Where the programs are that build components.

use std::path::{Path, PathBuf};

use crate::config::Builders;

const PYTHON: &str = "componentize-py";
const JAVASCRIPT: &str = "componentize-js";
const NODE: &str = "node";

/// Where in an installation by npm the builder is that our script imports.
const MODULE: &str = "node_modules/@bytecodealliance/componentize-js/src/componentize.js";

/// What builds JavaScript apps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JavaScriptTools {
    pub(super) node: PathBuf,
    /// The folder with `node_modules`.
    pub(super) folder: PathBuf,
}

/// The builder is not installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BuilderMissing {
    #[error(
        "Python apps need the command `componentize-py`, which is neither beside `skep` nor in \
         PATH: run `cargo install componentize-py --version 0.25.1 --locked`, or deploy a bundle \
         that `skep build` made elsewhere"
    )]
    Python,
    #[error(
        "JavaScript apps need the command `{0}`, which is neither beside `skep` nor in PATH: \
         install Node.js and run `npm install -g @bytecodealliance/componentize-js@0.23.0`, or \
         deploy a bundle that `skep build` made elsewhere"
    )]
    JavaScript(&'static str),
    #[error("`{0}`, which the settings name as {1}, is not a file")]
    NotThere(PathBuf, &'static str),
    #[error(
        "`{0}` is not the componentize-js of an npm package: install it with `npm install -g \
         @bytecodealliance/componentize-js@0.23.0`"
    )]
    NotAPackage(PathBuf),
    #[error(
        "`{command}` is a script, and the unprivileged user who builds cannot pass through \
         `{folder}` to what it needs: run `chmod o+x {folder}`, install componentize-py \
         elsewhere, or run Skep as an ordinary user"
    )]
    OutOfReach { command: PathBuf, folder: PathBuf },
}

impl Builders {
    /// The builder of Python components: the configured one, else one beside our own binary,
    /// else in PATH.
    ///
    /// # Errors
    ///
    /// When there is none; the text says how to install it.
    pub(super) fn componentize_py(&self) -> Result<PathBuf, BuilderMissing> {
        match &self.python {
            Some(configured) => there(configured, PYTHON),
            None => self.find(PYTHON).ok_or(BuilderMissing::Python),
        }
    }

    /// The builder of JavaScript components, and what runs it, looked for in the same places.
    ///
    /// # Errors
    ///
    /// When either is missing; the text says how to install it.
    pub(super) fn componentize_js(&self) -> Result<JavaScriptTools, BuilderMissing> {
        let command = match &self.javascript {
            Some(configured) => there(configured, JAVASCRIPT)?,
            None => self
                .find(JAVASCRIPT)
                .ok_or(BuilderMissing::JavaScript(JAVASCRIPT))?,
        };
        let node = self.find(NODE).ok_or(BuilderMissing::JavaScript(NODE))?;
        // npm makes a link of that name to where the package is.
        let real = command.canonicalize().unwrap_or_else(|_| command.clone());
        let folder = real
            .ancestors()
            .find(|folder| folder.join(MODULE).is_file())
            .ok_or(BuilderMissing::NotAPackage(command))?;
        Ok(JavaScriptTools {
            node,
            folder: folder.to_owned(),
        })
    }

    fn find(&self, command: &str) -> Option<PathBuf> {
        let beside = std::env::current_exe()
            .ok()
            .and_then(|binary| binary.parent().map(Path::to_owned));
        beside
            .iter()
            .chain(&self.path)
            .map(|folder| folder.join(command))
            .find(|candidate| candidate.is_absolute() && candidate.is_file())
    }
}

fn there(configured: &Path, name: &'static str) -> Result<PathBuf, BuilderMissing> {
    let found = std::path::absolute(configured)
        .ok()
        .filter(|path| path.is_file());
    found.ok_or_else(|| BuilderMissing::NotThere(configured.to_owned(), name))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_configured_builder_that_is_not_there_is_named() {
        let builders = Builders {
            python: Some("/no/such/builder".into()),
            javascript: Some("/no/such/script".into()),
            path: Vec::new(),
        };

        let python = builders.componentize_py().unwrap_err().to_string();
        let javascript = builders.componentize_js().unwrap_err().to_string();
        assert!(
            python.starts_with("`/no/such/builder`, which the settings name as componentize-py")
        );
        assert!(javascript.contains("as componentize-js"), "{javascript}");
    }

    #[test]
    fn without_a_builder_the_error_says_what_to_install() {
        let builders = Builders {
            path: vec!["/nowhere".into()],
            ..Builders::default()
        };

        let python = builders.componentize_py().unwrap_err().to_string();
        let javascript = builders.componentize_js().unwrap_err().to_string();
        assert!(python.contains("cargo install componentize-py"), "{python}");
        assert!(javascript.contains("npm install -g"), "{javascript}");
    }

    #[test]
    fn the_builder_is_found_in_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let command = folder.path().join(PYTHON);
        fs::write(&command, "").unwrap();
        let builders = Builders {
            path: vec![folder.path().to_owned()],
            ..Builders::default()
        };

        assert_eq!(builders.componentize_py(), Ok(command));
    }

    #[test]
    fn the_package_is_found_behind_the_link_of_its_command() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (bin, module) = (root.join("bin"), root.join("lib").join(MODULE));
        fs::create_dir(&bin).unwrap();
        fs::create_dir_all(module.parent().unwrap()).unwrap();
        fs::write(&module, "").unwrap();
        let cli = module.with_file_name("cli.js");
        fs::write(&cli, "").unwrap();
        fs::write(bin.join(NODE), "").unwrap();
        symlink(&cli, bin.join(JAVASCRIPT)).unwrap();
        let builders = |path: &Path| Builders {
            path: vec![path.to_owned()],
            ..Builders::default()
        };

        let found = builders(&bin).componentize_js().unwrap();
        assert_eq!(
            (found.node, found.folder),
            (bin.join(NODE), root.join("lib"))
        );

        fs::write(root.join(JAVASCRIPT), "").unwrap();
        fs::write(root.join(NODE), "").unwrap();
        let error = builders(&root).componentize_js().unwrap_err();
        assert_eq!(error, BuilderMissing::NotAPackage(root.join(JAVASCRIPT)));
    }
}
