//! Which file of a bundle answers calls.

use serde::{Deserialize, Serialize};

use super::Bundle;

/// A component that an author, or `skep build`, has made already.
pub(crate) const COMPONENT: &str = "component.wasm";

const PYTHON: &str = "main.py";

/// What answers an app's calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Backend {
    /// `component.wasm`, run as it is.
    Component,
    /// `main.py`, of which a component is built first.
    Python,
}

/// Why a bundle has no backend that Skep can run. Each case is the author's to fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BackendError {
    #[error(
        "main.py is required at the bundle root (or component.wasm, where the app is built already)"
    )]
    Missing,
    #[error(
        "JavaScript backends (main.js) are not supported by this version of Skep: write the \
         backend as main.py, or build it into a component.wasm"
    )]
    JavaScript,
    #[error(
        "Lua backends ({0}) are not supported by this version of Skep: write the backend as \
         main.py, or build it into a component.wasm"
    )]
    Lua(String),
}

impl Backend {
    /// Finds the backend of a bundle; `script` is the file that the manifest names.
    ///
    /// A component goes before its source, because `skep build` puts it beside `main.py`.
    pub(crate) fn find(bundle: &Bundle, script: Option<&str>) -> Result<Self, BackendError> {
        if bundle.file(COMPONENT).is_some() {
            return Ok(Self::Component);
        }
        if bundle.file(PYTHON).is_some() {
            return Ok(Self::Python);
        }
        if let Some(script) = script {
            return Err(BackendError::Lua(script.to_owned()));
        }
        if bundle.file("main.lua").is_some() {
            return Err(BackendError::Lua("main.lua".to_owned()));
        }
        if bundle.file("main.js").is_some() {
            return Err(BackendError::JavaScript);
        }
        Err(BackendError::Missing)
    }
}
