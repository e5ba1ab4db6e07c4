//! JavaScript: ComponentizeJS, which Node.js runs, makes a component of an engine, the SDK and
//! the bundle's scripts.

use std::collections::BTreeMap;
use std::io;

use rust_embed::RustEmbed;

use super::locate::JavaScriptTools;
use super::{BuildError, COMPONENT, LIMITS, embedded};
use crate::app::Bundle;
use crate::launch::{Limits, Task, Workshop};
use crate::store::blobs;

/// A larger file belongs to the frontend or to a database, not into a cell's memory.
const MAX_FILE: usize = 4 << 20;
/// All of them together.
const MAX_FILES: usize = 32 << 20;

/// Node.js sets address space aside that it never uses; what it does use is bounded all the same.
const JS_LIMITS: Limits = Limits {
    memory: 64 << 30,
    ..LIMITS
};

const BUILD: &str = include_str!("../../sdk-js/builder/build.mjs");

#[derive(RustEmbed)]
#[folder = "sdk-js/src"]
#[include = "*.js"]
struct Sdk;

/// The files that are the same in every build.
pub(super) fn sources() -> impl Iterator<Item = (String, Vec<u8>)> {
    let build = ("build.mjs".to_owned(), BUILD.as_bytes().to_vec());
    embedded::<Sdk>("app").chain([build])
}

/// Refuses a bundle whose scripts are more than a cell should hold.
pub(super) fn check(bundle: &Bundle) -> Result<(), BuildError> {
    let bytes: usize = scripts(bundle).values().map(|text| text.len()).sum();
    if bytes > MAX_FILES {
        return Err(BuildError::App(format!(
            "the bundle's .js and .json files exceed {} MiB",
            MAX_FILES >> 20
        )));
    }
    Ok(())
}

/// What `require` finds, by path.
fn scripts(bundle: &Bundle) -> BTreeMap<&str, &str> {
    bundle
        .files()
        .filter(|(path, contents)| {
            let path = path.as_str();
            (path.ends_with(".js") || path.ends_with(".json")) && contents.len() <= MAX_FILE
        })
        .filter_map(|(path, contents)| {
            let text = std::str::from_utf8(contents).ok()?;
            Some((path.as_str(), text.trim_start_matches('\u{feff}')))
        })
        .collect()
}

/// SHA-256 of the scripts, which are all of a bundle that the component is made of.
pub(super) fn digest(bundle: &Bundle) -> String {
    // A map of texts is always JSON.
    blobs::digest(&serde_json::to_vec(&scripts(bundle)).unwrap_or_default())
}

pub(super) fn stage(workshop: &Workshop, bundle: &Bundle) -> io::Result<()> {
    // JSON is an expression of JavaScript.
    let files = serde_json::to_string(&scripts(bundle))?;
    workshop.write(
        "app/files.js",
        format!("export default {files};\n").as_bytes(),
    )
}

/// Paths lead through the working folder itself: the ones above it may be closed to who builds.
pub(super) fn task(tools: &JavaScriptTools) -> Task<'_> {
    Task {
        program: &tools.node,
        arguments: &[
            // It compiles what is run once: machine code that is faster later is not worth its time.
            "--no-wasm-tier-up",
            "--wasm-lazy-compilation",
            // Its own files too have paths only as long as nobody asks where they really are.
            "--preserve-symlinks",
            "--preserve-symlinks-main",
            "--openssl-config=/dev/null",
            "/proc/self/cwd/build.mjs",
            "/proc/self/cwd/wit",
            "javascript",
            "/proc/self/cwd/app/entry.js",
            COMPONENT,
        ],
        limits: JS_LIMITS,
        // Where Debian keeps parts of Node.js.
        read: vec!["/usr/share/nodejs".into()],
        tools: Some(tools.folder.clone()),
    }
}
