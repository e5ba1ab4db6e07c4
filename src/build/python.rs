//! Python: componentize-py makes a component of CPython, the SDK and the bundle.

use std::path::Path;

use rust_embed::RustEmbed;

use super::{BuildError, COMPONENT, LIMITS, embedded, runtime};
use crate::app::Bundle;
use crate::launch::{Task, Workshop};

/// The builder's arguments for the component of an app.
pub(super) static APP: [&str; 15] = arguments("skep._app");
/// Those for the component that runs any app from its sources.
pub(super) static LIVE: [&str; 15] = arguments("skep._live");

/// Wherever the builder finds this file, it follows the paths in it.
const BUILDER_FILE: &str = "componentize-py.toml";

#[derive(RustEmbed)]
#[folder = "sdk-py/src"]
#[include = "*.py"]
struct Sdk;

#[derive(RustEmbed)]
#[folder = "sdk-py/compat"]
#[include = "*.py"]
struct Compat;

/// The files that are the same in every build.
pub(super) fn sources() -> impl Iterator<Item = (String, Vec<u8>)> {
    embedded::<Sdk>("sdk").chain(embedded::<Compat>("compat"))
}

/// Refuses a bundle that could tell the builder what to do.
pub(super) fn check(bundle: &Bundle) -> Result<(), BuildError> {
    let found = bundle
        .files()
        .find(|(path, _)| path.file_name() == BUILDER_FILE);
    match found {
        None => Ok(()),
        Some((path, _)) => Err(BuildError::App(format!(
            "`{}` would steer the builder: remove it from the bundle",
            path.as_str()
        ))),
    }
}

pub(super) fn stage(workshop: &Workshop, bundle: &Bundle) -> std::io::Result<()> {
    for (path, contents) in bundle.files() {
        workshop.write(&format!("staging/skep_bundle/{}", path.as_str()), contents)?;
    }
    workshop.make_folder("nothing/lib/site-packages")
}

/// As [`stage`], for a component that has no app in it.
pub(super) fn stage_nothing(workshop: &Workshop) -> std::io::Result<()> {
    workshop.make_folder("staging")?;
    workshop.make_folder("nothing/lib/site-packages")
}

const fn arguments(module: &'static str) -> [&'static str; 15] {
    [
        "-q",
        "-d",
        "wit",
        "-w",
        "skep:app/python",
        "componentize",
        "-p",
        "sdk",
        "-p",
        "compat",
        "-p",
        "staging",
        "-o",
        COMPONENT,
        module,
    ]
}

pub(super) fn task<'a>(
    command: &'a Path,
    arguments: &'static [&'static str],
) -> Result<Task<'a>, BuildError> {
    Ok(Task {
        program: command,
        arguments,
        limits: LIMITS,
        read: runtime::of(command)?,
        tools: None,
    })
}
