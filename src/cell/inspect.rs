//! What a component imports and exports, before it is trusted to be an app.

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

const EXECUTE: &str = "execute";
const LIFECYCLE: &str = "skep:app/lifecycle@1.0.0";
const LOAD: &str = "load";

/// What a cell offers, by package or interface. Sockets are there for the languages whose
/// libraries import them, and refuse every address.
const OFFERED: &[&str] = &[
    "skep:app/types@1.0.",
    "skep:app/log@1.0.",
    "skep:app/caller@1.0.",
    "skep:app/db@1.0.",
    "skep:app/credentials@1.0.",
    "skep:app/settings@1.0.",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:io/",
    "wasi:random/",
    "wasi:filesystem/",
];
const SOCKETS: &str = "wasi:sockets/";

/// Why a component is not an app.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    #[error("the component imports `{0}`, which Skep does not offer: build it without that import")]
    Import(String),
    #[error("the component does not export `execute`: build it for the world skep:app/app@1.0.0")]
    NoExecute,
}

/// Checks that a component imports only what a cell offers, and can be called.
pub(super) fn check(component: &Component, engine: &Engine) -> Result<(), Mismatch> {
    let kind = component.component_type();
    for (name, _) in kind.imports(engine) {
        let offered = OFFERED.iter().any(|prefix| name.starts_with(prefix));
        if !offered && !name.starts_with(SOCKETS) {
            return Err(Mismatch::Import(name.to_owned()));
        }
    }
    if component.get_export_index(None, EXECUTE).is_none() {
        return Err(Mismatch::NoExecute);
    }
    Ok(())
}

/// The function that prepares a release, where the component has one.
pub(super) fn load_export(component: &Component) -> Option<ComponentExportIndex> {
    let lifecycle = component.get_export_index(None, LIFECYCLE)?;
    component.get_export_index(Some(&lifecycle), LOAD)
}
