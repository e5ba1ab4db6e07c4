//! The files of a JavaScript backend: `main.js` and those of the manifest's tasks and hooks, and
//! what they ask for, directly or not.
//!
//! Not a parser: whatever looks as if it asked for a file of the bundle counts, so that too much
//! is withheld rather than too little.

use std::collections::BTreeSet;

use crate::app::javascript::MAIN;
use crate::app::manifest::noderouter;
use crate::app::{Bundle, MANIFEST};

/// With it, the backend is Python, and a `main.js` is the page's.
const PYTHON: &str = "main.py";
/// What stands before the name of a module.
const WORDS: [&str; 3] = ["require", "import", "from"];

/// The paths of a bundle's JavaScript backend; none where it has another.
pub(crate) fn of_backend(bundle: &Bundle) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if bundle.file(PYTHON).is_some() {
        return found;
    }
    let mut open = vec![MAIN.to_owned()];
    open.extend(named_by_manifest(bundle));
    while let Some(path) = open.pop() {
        let Some(source) = bundle.file(&path) else {
            continue;
        };
        if found.contains(&path) {
            continue;
        }
        let source = String::from_utf8_lossy(source);
        for name in asked_for(&source) {
            open.extend(candidates(name, &path));
        }
        found.insert(path);
    }
    found
}

/// The files whose functions are tasks and hooks, such as `lib/work.js` of `lib/work.js:run`.
fn named_by_manifest(bundle: &Bundle) -> Vec<String> {
    let text = bundle.file(MANIFEST);
    let Some(parsed) = text.and_then(|text| noderouter::parse(text).ok()) else {
        return Vec::new();
    };
    let tasks = parsed.manifest.tasks.values().map(|task| &task.run);
    let named = tasks.chain(parsed.manifest.hooks.values());
    let files = named.filter_map(|target| Some(target.split_once(':')?.0.to_owned()));
    files.collect()
}

/// The names in `require("x")`, `import "x"`, `import("x")` and `from "x"`.
fn asked_for(source: &str) -> impl Iterator<Item = &str> {
    WORDS.iter().flat_map(|word| {
        source.split(word).skip(1).filter_map(|rest| {
            let rest = rest.trim_start();
            let rest = rest.strip_prefix('(').unwrap_or(rest).trim_start();
            let quote = rest
                .chars()
                .next()
                .filter(|first| "\"'`".contains(*first))?;
            let (name, _) = rest.get(1..)?.split_once(quote)?;
            (!name.contains('\n')).then_some(name)
        })
    })
}

/// The paths that a name may stand for, in a module at `from`: from the bundle's root, or, with
/// `./` or `../`, from the module's folder.
fn candidates(name: &str, from: &str) -> Vec<String> {
    let mut parts: Vec<&str> = Vec::new();
    if name.starts_with('.') {
        parts.extend(from.split('/'));
        parts.pop();
    }
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    let endings = ["", ".js", ".mjs", ".json", "/index.js"];
    endings.iter().map(|end| format!("{path}{end}")).collect()
}
