//! What a component imports and exports, before it is trusted to be an app.

use std::collections::BTreeSet;

use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

const EXECUTE: &str = "execute";
const LIFECYCLE: &str = "skep:app/lifecycle@1.0.0";
const LOAD: &str = "load";
const HOOK: &str = "hook";
const TASK: &str = "skep:app/task@1.0.0";
const RUN: &str = "run";

/// What a cell offers, by package or interface. Sockets are there for the languages whose
/// libraries import them, and refuse every address.
const OFFERED: &[&str] = &[
    "skep:app/types@1.0.",
    "skep:app/log@1.0.",
    "skep:app/caller@1.0.",
    "skep:app/db@1.0.",
    "skep:app/jobs@1.0.",
    "skep:app/credentials@1.0.",
    "skep:app/settings@1.0.",
    "skep:app/notify@1.0.",
    "skep:app/schedules@1.0.",
    "wasi:cli/",
    "wasi:clocks/",
    "wasi:io/",
    "wasi:random/",
    "wasi:filesystem/",
    "wasi:http/outgoing-handler@0.2.",
    "wasi:http/types@0.2.",
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

/// What a component imports that lets it reach out of its cell, by interface. Clocks,
/// randomness, closed sockets and the rest of WASI do not.
pub(super) fn capabilities(component: &Component, engine: &Engine) -> BTreeSet<String> {
    let kind = component.component_type();
    kind.imports(engine)
        .filter_map(|(name, _)| {
            let interface = name
                .split_once('@')
                .map_or(name, |(interface, _)| interface);
            let is_inert = interface == "skep:app/types"
                || (interface.starts_with("wasi:") && !interface.starts_with("wasi:http/"));
            (!is_inert).then(|| interface.to_owned())
        })
        .collect()
}

/// The functions that a component need not have.
pub(super) struct Optional {
    /// Prepares a release.
    pub(super) load: Option<ComponentExportIndex>,
    /// Is told of the app's life.
    pub(super) hook: Option<ComponentExportIndex>,
    /// Runs the tasks.
    pub(super) task: Option<ComponentExportIndex>,
}

pub(super) fn optional_exports(component: &Component) -> Optional {
    let find = |interface: &str, function: &str| {
        let interface = component.get_export_index(None, interface)?;
        component.get_export_index(Some(&interface), function)
    };
    Optional {
        load: find(LIFECYCLE, LOAD),
        hook: find(LIFECYCLE, HOOK),
        task: find(TASK, RUN),
    }
}
