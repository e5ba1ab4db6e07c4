//! What tools leave in an app's folder, and what else does not belong into a bundle.

use std::collections::BTreeMap;

use super::{Bundle, BundlePath, Finding};

/// At most so many findings of one rule, and names in one finding: the first tell enough.
const MAX_SHOWN: usize = 10;

/// Folders that hold no part of the app.
const TOOL_FOLDERS: [&str; 14] = [
    ".cache",
    ".git",
    ".hg",
    ".idea",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".svn",
    ".tox",
    ".venv",
    ".vscode",
    "__MACOSX",
    "__pycache__",
    "node_modules",
];

/// Whether a zip's member is left out silently: what macOS and Windows add by themselves.
pub(super) fn is_left_out_of_zip(path: &BundlePath) -> bool {
    path.parts().next() == Some("__MACOSX") || matches!(path.file_name(), ".DS_Store" | "Thumbs.db")
}

/// Whether a folder's member of this name is left out, with everything in it.
pub(super) fn is_left_out_of_folder(name: &str, is_folder: bool) -> bool {
    // A link or a file in its place is a tool's as well: `.git` of a worktree, a shared `.venv`.
    if TOOL_FOLDERS.contains(&name) {
        return true;
    }
    if is_folder {
        return false;
    }
    matches!(name, ".DS_Store" | "Thumbs.db")
        || is_environment(name)
        || [".pyc", ".pyo", ".swp", "~"]
            .iter()
            .any(|end| name.ends_with(end))
}

// They hold an author's secrets, and a cell has no environment to load them into.
fn is_environment(name: &str) -> bool {
    name == ".env" || name.starts_with(".env.")
}

/// What the author should mend in the files as such.
pub(super) fn warnings(bundle: &Bundle) -> Vec<Finding> {
    let mut found: Vec<_> = left_out(bundle).into_iter().collect();
    found.extend(bundle.files.keys().filter_map(unwanted).take(MAX_SHOWN));
    found.extend(same_but_for_case(bundle).take(MAX_SHOWN));
    found
}

fn left_out(bundle: &Bundle) -> Option<Finding> {
    let names = bundle.skipped.get(..bundle.skipped.len().min(MAX_SHOWN))?;
    if names.is_empty() {
        return None;
    }
    let more = match bundle.skipped.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!("left out of the bundle: {}{more}", names.join(", "));
    Some(Finding::new("NR-B14", text))
}

fn unwanted(path: &BundlePath) -> Option<Finding> {
    let name = path.file_name();
    let why = if path.parts().any(|part| part == "node_modules") {
        "node_modules has no use in a bundle, which is served as it is"
    } else if name.ends_with(".pyc") || path.parts().any(|part| part == "__pycache__") {
        "compiled Python is not read"
    } else if is_environment(name) {
        "an app has no environment, and the file may hold secrets"
    } else if name.ends_with(".zip") {
        "a zip inside the bundle is not unpacked"
    } else if name == "package.json" || is_bundler_config(name) {
        "nothing is built from it: a bundle is served as it is"
    } else {
        return None;
    };
    let text = format!("`{path}`: {why}; leave it out");
    Some(Finding::new("NR-B14", text))
}

fn is_bundler_config(name: &str) -> bool {
    name.split_once(".config.").is_some_and(|(tool, _)| {
        ["vite", "webpack", "rollup", "esbuild", "parcel", "babel"].contains(&tool)
    })
}

// Whoever unpacks such a bundle on Windows or macOS loses one of the two.
fn same_but_for_case(bundle: &Bundle) -> impl Iterator<Item = Finding> {
    let mut seen = BTreeMap::new();
    bundle.files.keys().filter_map(move |path| {
        let other = seen.insert(path.as_str().to_lowercase(), path)?;
        let text = format!("`{other}` and `{path}` differ only in case; rename one");
        Some(Finding::new("SK-B02", text))
    })
}
