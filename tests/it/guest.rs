//! The guests of `tests/guests`: apps in WebAssembly's text format.
//!
//! A file that holds one core module is wrapped in `shell.wat`. One that holds a component is
//! taken as it is.

use std::path::{Path, PathBuf};

const SHELL: &str = "shell";

/// Makes the component of `tests/guests/NAME.wat`.
pub(crate) fn component(name: &str) -> Vec<u8> {
    let text = read(name);
    let text = if text.contains("(core module $guest") {
        wrapped(&text)
    } else {
        text
    };
    wat::parse_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Makes the component of `tests/guests/NAME.wat` with more inside.
pub(crate) fn component_with(name: &str, more: &str) -> Vec<u8> {
    let text = wrapped(&read(name));
    let text = text.trim_end().strip_suffix(')').unwrap();
    wat::parse_str(format!("{text}{more})")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The names of all guests.
pub(crate) fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap();
    let stems = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
    stems
        .map(|stem| stem.into_string().unwrap())
        .filter(|name| name != SHELL)
        .collect()
}

fn wrapped(module: &str) -> String {
    let shell = read(SHELL);
    let (before, after) = shell.split_once(";; GUEST\n").unwrap();
    let (execute, load) = after.split_once(";; LOAD\n").unwrap();
    let load = if module.contains("(export \"load\")") {
        load
    } else {
        ")"
    };
    format!("{before}{module}{execute}{load}")
}

fn read(name: &str) -> String {
    let path = folder().join(name).with_extension("wat");
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests")
}

#[test]
fn every_guest_is_a_component() {
    for name in names() {
        component(&name);
    }
}
