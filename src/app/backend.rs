//! Which file of a bundle answers calls.

use serde::{Deserialize, Serialize};

use super::Bundle;

/// A component that an author, or `skep build`, has made already.
pub(crate) const COMPONENT: &str = "component.wasm";

const PYTHON: &str = "main.py";
const JAVASCRIPT: &str = "main.js";

/// What answers an app's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    /// `component.wasm`, run as it is.
    Component,
    /// `main.py`, of which a component is built first.
    Python,
    /// `main.js`, of which one is built too.
    #[serde(rename = "javascript")]
    JavaScript,
}

/// What a backend is written in that has to be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Python,
    JavaScript,
}

/// Why a bundle has no backend that Skep can run. Each case is the author's to fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BackendError {
    #[error(
        "main.py is required at the bundle root (or main.js, or component.wasm, where the app is \
         built already)"
    )]
    Missing,
    #[error(
        "Lua backends ({0}) are not supported by this version of Skep: write the backend as \
         main.py, or build it into a component.wasm"
    )]
    Lua(String),
}

impl Backend {
    /// Finds the backend of a bundle; `script` is the file that the manifest names.
    ///
    /// A component goes before its source, because `skep build` puts it beside that; `main.py`
    /// goes before `main.js`, which may be a frontend's.
    pub(crate) fn find(bundle: &Bundle, script: Option<&str>) -> Result<Self, BackendError> {
        if bundle.file(COMPONENT).is_some() {
            return Ok(Self::Component);
        }
        if bundle.file(PYTHON).is_some() {
            return Ok(Self::Python);
        }
        if bundle.file(JAVASCRIPT).is_some() {
            return Ok(Self::JavaScript);
        }
        if let Some(script) = script {
            return Err(BackendError::Lua(script.to_owned()));
        }
        if bundle.file("main.lua").is_some() {
            return Err(BackendError::Lua("main.lua".to_owned()));
        }
        Err(BackendError::Missing)
    }

    /// What has to be built; nothing where there is a component.
    pub(crate) fn language(self) -> Option<Language> {
        match self {
            Self::Component => None,
            Self::Python => Some(Language::Python),
            Self::JavaScript => Some(Language::JavaScript),
        }
    }
}
