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
    let (execute, rest) = after.split_once(";; LOAD\n").unwrap();
    let (load, rest) = rest.split_once(";; HOOK\n").unwrap();
    let (hook, task) = rest.split_once(";; TASK\n").unwrap();
    let mut text = format!("{before}{module}{execute}");
    let mut lifecycle = String::new();
    for (name, part) in [("load", load), ("hook", hook)] {
        if has(module, name) {
            text.push_str(part);
            lifecycle.push_str(&format!("(export \"{name}\" (func ${name}))"));
        }
    }
    if !lifecycle.is_empty() {
        text.push_str(&format!(
            "(instance $lifecycle {lifecycle})
             (export \"skep:app/lifecycle@1.0.0\" (instance $lifecycle))"
        ));
    }
    if has(module, "task") {
        text.push_str(task);
    }
    text.push(')');
    text
}

/// Whether a module exports a function.
fn has(module: &str, function: &str) -> bool {
    module.contains(&format!("(export \"{function}\")"))
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
