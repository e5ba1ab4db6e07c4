//! JavaScript backends: `main.js`, and what it requires.
//!
//! A module is the body of a function, so none of the browser's rules holds. What a module does
//! when it is loaded happens when the app is built, and what fails there fails the deploy.

mod actions;
mod statements;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use oxc_ast::AstKind;
use oxc_ast::ast::CallExpression;
use oxc_semantic::NodeId;
use oxc_span::{GetSpan, SourceType};

use super::syntax::{argument, beginning};
use super::{Code, Found, Kind, Script, only_if};
use crate::app::javascript::MAIN;
use crate::app::{Bundle, Manifest};
use crate::check::names::Names;
use crate::check::problem::Problem;
use crate::check::rules::backend as rules;
use crate::check::sql::Tables;

/// What `require` finds that is no file of the bundle.
const BUILTIN: &str = "skep";
const EXECUTE: &str = "execute";

/// The JavaScript of a bundle.
pub(in crate::check) struct Sources<'a> {
    pub(in crate::check) bundle: &'a Bundle,
    /// The texts that are read, by path.
    pub(in crate::check) texts: &'a BTreeMap<&'a str, &'a str>,
    pub(in crate::check) manifest: Option<&'a Manifest>,
    pub(in crate::check) names: &'a Names,
}

/// What one module is about.
#[derive(Default)]
struct Module {
    problems: Vec<Found>,
    /// The paths that it requires, and whether it does when it is loaded, whatever happens.
    required: Vec<(String, bool)>,
    /// Whether it may give the app its `execute`.
    has_execute: bool,
}

/// Looks at the backend of a bundle. Gives problems, each with its file and place.
pub(in crate::check) fn check(sources: &Sources<'_>) -> Vec<(Problem, String, Range<usize>)> {
    let tables = Tables::of(sources.manifest);
    let mut found = Vec::new();
    let mut open = entries(sources.manifest);
    let mut known = BTreeSet::new();
    let mut has_execute = false;
    while let Some((path, is_loaded)) = open.pop() {
        if !known.insert(path.clone()) {
            continue;
        }
        let Some(text) = sources.texts.get(path.as_str()) else {
            // It was not read, so that nobody knows what is in it.
            has_execute |= !path.ends_with(".json");
            continue;
        };
        let script = Script {
            text,
            base: 0,
            kind: Kind::Classic,
            app: "",
            mapped: &[],
        };
        let read = super::read(script, SourceType::cjs(), sources.names, |code| {
            let mut module = Module::default();
            code.module(&path, is_loaded, sources, &tables, &mut module);
            module
        });
        let problems = match read {
            Ok(module) => {
                open.extend(module.required);
                has_execute |= module.has_execute;
                module.problems
            }
            Err(error) => {
                has_execute = true;
                vec![*error]
            }
        };
        let problems = problems.into_iter();
        found.extend(problems.map(|(problem, range)| (problem, path.clone(), range)));
    }
    if !has_execute {
        let text = "no function of this name is defined or exported";
        let problem = Problem::new(&rules::NO_FUNCTION, text);
        found.push((problem, MAIN.to_owned(), 0..0));
    }
    found
}

/// The files that the host itself loads, all of them when the app is built. `main.js` is last,
/// to be taken first.
fn entries(manifest: Option<&Manifest>) -> Vec<(String, bool)> {
    let named = manifest.into_iter().flat_map(|manifest| {
        let tasks = manifest.tasks.values().map(|task| &task.run);
        tasks.chain(manifest.hooks.values())
    });
    let files = named.filter_map(|target| Some(target.split_once(':')?.0.to_owned()));
    let main = std::iter::once(MAIN.to_owned());
    files.chain(main).map(|file| (file, true)).collect()
}

impl<'a> Code<'_, 'a> {
    fn module(
        &self,
        path: &str,
        is_loaded: bool,
        sources: &Sources<'_>,
        tables: &Tables,
        module: &mut Module,
    ) {
        module.has_execute = self.gives_execute();
        module.problems.extend(self.module_syntax(
            "`import` and `export` are for the page: here, use require(\"lib/x\") and module.exports",
        ));
        for node in self.semantic.nodes().iter() {
            let at_once = is_loaded && self.runs_at_once(node.id());
            match node.kind() {
                AstKind::CallExpression(call) => {
                    self.required(call, path, at_once, sources.bundle, module);
                    let found = self.sent(call, at_once, tables);
                    module.problems.extend(found);
                }
                AstKind::ObjectProperty(property) => {
                    let found = self.fired(property, sources.manifest);
                    module.problems.extend(found);
                }
                _other => {}
            }
        }
    }

    /// Whether a node runs when its module is loaded, whatever the case.
    fn runs_at_once(&self, node: NodeId) -> bool {
        self.function_around(node).is_none() && !self.is_guarded(node)
    }

    /// Whether the name is mentioned, or something is exported that may bear it.
    fn gives_execute(&self) -> bool {
        let scoping = self.semantic.scoping();
        let root = scoping.get_bindings(scoping.root_scope_id());
        let is_bound = root
            .values()
            .any(|symbol| scoping.symbol_name(*symbol) == EXECUTE);
        let is_named = |kind: AstKind<'_>| match kind {
            AstKind::IdentifierName(name) => name.name == EXECUTE,
            AstKind::IdentifierReference(name) => name.name == EXECUTE,
            AstKind::StringLiteral(text) => text.value == EXECUTE,
            AstKind::StaticMemberExpression(member) => {
                let is_module = self.is_global_value(&member.object, "module");
                is_module && member.property.name == "exports"
            }
            _other => false,
        };
        is_bound
            || self
                .semantic
                .nodes()
                .iter()
                .any(|node| is_named(node.kind()))
    }

    /// `require("lib/items")`.
    fn required(
        &self,
        call: &CallExpression<'a>,
        path: &str,
        at_once: bool,
        bundle: &Bundle,
        module: &mut Module,
    ) {
        if !self.is_global_value(call.callee.without_parentheses(), "require") {
            return;
        }
        let Some(name) = argument(&call.arguments, 0) else {
            return;
        };
        let Some((text, true)) = beginning(name) else {
            return;
        };
        let wanted = resolved(&text, path);
        let endings = ["", ".js", ".json", "/index.js"];
        let mut candidates = endings.iter().map(|end| format!("{wanted}{end}"));
        match candidates.find(|file| bundle.file(file).is_some()) {
            Some(file) => module.required.push((file, at_once)),
            None if text == BUILTIN => {}
            None => {
                let text = format!("the bundle has no file `{wanted}.js`");
                let problem = Problem::new(&rules::MISSING_MODULE, text);
                let found = self.found(only_if(problem, at_once), name.span());
                module.problems.push(found);
            }
        }
    }
}

/// The path that a name stands for in a module, as the SDK's `require` reads it.
fn resolved(name: &str, from: &str) -> String {
    if !name.starts_with("./") && !name.starts_with("../") {
        return name.trim_start_matches('/').to_owned();
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
