//! Python backends.
//!
//! Each file is read once into a [`Module`]; the rules look at all of them together, because
//! functions call each other across files.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each rule is about a few of the many kinds of nodes"
)]

mod actions;
mod entry;
mod frozen;
mod module;
mod reader;
mod statements;
mod text;
mod waiting;

use std::collections::BTreeSet;
use std::ops::Range;

use self::module::Module;
use super::names::Names;
use super::problem::Problem;
use super::rule::Severity;
use super::rules::python as rules;
use super::sql::Tables;
use crate::app::Manifest;

/// A problem, its file, and where in it.
pub(super) type Found = (Problem, String, Range<usize>);

/// The file that every call enters.
pub(super) const MAIN: &str = "main.py";

/// The Python of a bundle.
pub(super) struct Sources<'a> {
    /// By path, without libraries and tests.
    pub(super) files: Vec<(&'a str, &'a str)>,
    /// What stands in `libs/`, by the names that imports use.
    pub(super) libraries: BTreeSet<String>,
    pub(super) manifest: Option<&'a Manifest>,
    pub(super) names: &'a Names,
}

/// All that was read of a bundle's Python.
struct Program<'a> {
    modules: Vec<Module<'a>>,
    names: &'a Names,
    manifest: Option<&'a Manifest>,
    /// The functions that are called while the app is loaded.
    loading: BTreeSet<String>,
    /// The functions that calls of the app may reach.
    serving: BTreeSet<String>,
}

/// Looks at the Python of a bundle.
pub(super) fn check(sources: &Sources<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    let mut modules = Vec::new();
    for (path, text) in &sources.files {
        match reader::read(path, text) {
            Ok(module) => modules.push(module),
            Err((message, range)) => {
                let problem = Problem::new(&rules::PYTHON_SYNTAX, message);
                // Another file may never be imported.
                let problem = match *path {
                    MAIN => problem,
                    _ => problem.at_most(Severity::Warning),
                };
                found.push((problem, (*path).to_owned(), range));
            }
        }
    }
    let program = Program {
        loading: reached(&modules, loaded(&modules), |function| &function.calls),
        serving: reached(&modules, ["execute".to_owned()].into(), |function| {
            &function.mentions
        }),
        modules,
        names: sources.names,
        manifest: sources.manifest,
    };
    found.extend(program.entry());
    let mut tables = Tables::of(sources.manifest);
    found.extend(program.statements(&mut tables));
    found.extend(program.connections());
    found.extend(program.actions());
    found.extend(program.waiting());
    found.extend(program.frozen());
    found.extend(program.libraries(&sources.libraries));
    found
}

/// What is called at the top level of some file.
fn loaded(modules: &[Module<'_>]) -> BTreeSet<String> {
    modules
        .iter()
        .flat_map(|module| module.top_calls.iter().cloned())
        .collect()
}

/// Everything that is reached from some functions, by name over all files.
fn reached<'m>(
    modules: &'m [Module<'_>],
    mut reached: BTreeSet<String>,
    steps: impl Fn(&'m module::Function) -> &'m BTreeSet<String>,
) -> BTreeSet<String> {
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(name) = open.pop() {
        let functions = modules.iter().flat_map(|module| &module.functions);
        for function in functions.filter(|function| function.name == name) {
            for next in steps(function) {
                if reached.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
    }
    // A dispatch table stands outside of functions, and its functions are called by calls.
    reached
}

impl Program<'_> {
    /// Imports that only this host finds by itself.
    fn libraries(&self, libraries: &BTreeSet<String>) -> Vec<Found> {
        if self.modules.iter().any(|module| module.sets_path) {
            return Vec::new();
        }
        let imports = self.modules.iter().flat_map(|module| {
            module
                .imports
                .iter()
                .map(move |import| (module.path, import))
        });
        let mut told = BTreeSet::new();
        let from_libraries = imports.filter(|(_, (name, _))| libraries.contains(name));
        from_libraries
            .filter(|(_, (name, _))| told.insert(name.clone()))
            .map(|(path, (name, range))| {
                let text = format!("`{name}` stands in `libs/`");
                (
                    Problem::new(&rules::LIBRARIES, text),
                    path.to_owned(),
                    range.clone(),
                )
            })
            .collect()
    }
}
