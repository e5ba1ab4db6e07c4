//! The files of a bundle: which are read, by whom, and what comes of them together.

mod loader;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_json::Value;

use self::loader::Loader;
use super::css::{self, Sheet};
use super::html::{self, Page};
use super::js::backend;
use super::names::Names;
use super::page::{Frontend, OnePage, Site};
use super::problem::{Lines, Problem};
use super::rule::Severity;
use super::rules::bundle as rules;
use super::{python, settled};
use crate::app::frontend::modules;
use crate::app::{Backend, Bundle, Description, MANIFEST, Manifest, javascript};

/// The largest file that is read, in bytes.
pub(super) const FILE_BYTES: usize = 1024 * 1024;
/// What is read altogether, in bytes.
const ALL_BYTES: usize = 32 * 1024 * 1024;
/// A file of which a line is longer is minified, and so another's: in bytes.
const LINE_BYTES: usize = 5_000;
/// The stack that sources are read on, in bytes. Only what is touched of it takes memory.
const STACK: usize = 256 * 1024 * 1024;

/// Folders with code of others, or with none that runs.
const OTHERS: [&str; 8] = [
    "libs",
    "vendor",
    "vendors",
    "third_party",
    "node_modules",
    "tests",
    "test",
    "docs",
];

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Python,
    Script,
    Sheet,
    Page,
}

/// Whether a file is one of those that are read.
pub(super) fn is_source(path: &str) -> bool {
    language(path).is_some()
}

fn language(path: &str) -> Option<Language> {
    let (_, end) = path.rsplit_once('.')?;
    match end.to_ascii_lowercase().as_str() {
        "py" => Some(Language::Python),
        "js" | "mjs" => Some(Language::Script),
        "css" => Some(Language::Sheet),
        "html" | "htm" => Some(Language::Page),
        _other => None,
    }
}

/// Looks at the files of a bundle.
///
/// It takes a stack of its own. A source that nests so deeply that this is not enough ends the
/// process: see [`super::apart`].
pub(crate) fn sources(bundle: &Bundle) -> Vec<Problem> {
    stacker::grow(STACK, || {
        let description = Description::read(bundle).ok();
        let manifest = description
            .as_ref()
            .map(|description| &description.manifest);
        let mut reader = Reader::new(bundle, manifest);
        reader.read();
        settled(reader.problems)
    })
}

struct Reader<'a> {
    bundle: &'a Bundle,
    manifest: Option<&'a Manifest>,
    /// The app's name; empty where it is not known.
    app: String,
    names: Names,
    /// The texts that are read, by path.
    texts: BTreeMap<&'a str, &'a str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(bundle: &'a Bundle, manifest: Option<&'a Manifest>) -> Self {
        let app = match manifest {
            Some(manifest) => manifest.app_name.to_string(),
            None => name_in(bundle).unwrap_or_default(),
        };
        let mut reader = Self {
            bundle,
            manifest,
            names: Names::of(&app),
            app,
            texts: BTreeMap::new(),
            problems: Vec::new(),
        };
        reader.open();
        reader
    }

    /// Chooses what is read.
    fn open(&mut self) {
        let mut left = ALL_BYTES;
        for (path, contents) in self.bundle.files() {
            let path = path.as_str();
            let Some(language) = language(path) else {
                continue;
            };
            if path.split('/').any(|part| OTHERS.contains(&part)) {
                continue;
            }
            let why = match std::str::from_utf8(contents) {
                _ if contents.len() > FILE_BYTES => "it is larger than 1 MiB",
                _ if contents.len() > left => "there is more than is read of one app",
                Err(_) => "it is not UTF-8",
                Ok(text) if language != Language::Python && is_minified(path, text) => {
                    "it is minified"
                }
                Ok(text) => {
                    left -= text.len();
                    self.texts.insert(path, text);
                    continue;
                }
            };
            let problem = Problem::new(&rules::NOT_READ, format!("`{path}` is not read: {why}"));
            self.problems.push(problem);
        }
    }

    fn read(&mut self) {
        let pages: Vec<(&str, &str, Page)> = self
            .of(Language::Page)
            .map(|(path, text)| (path, text, html::parse(text)))
            .collect();
        let mut sheets: Vec<(&str, Sheet)> = self
            .of(Language::Sheet)
            .map(|(path, text)| (path, css::parse(text, 0)))
            .collect();
        for (path, text, page) in &pages {
            let styles = page
                .elements
                .iter()
                .filter(|element| element.name == "style");
            sheets.extend(styles.filter_map(|element| {
                let contents = element.contents.clone()?;
                Some((
                    *path,
                    css::parse(text.get(contents.clone())?, contents.start),
                ))
            }));
        }
        let classes = sheets.iter().flat_map(|(_, sheet)| sheet.classes());
        self.names.learn(classes);

        for (path, sheet) in &sheets {
            let found = css::check(sheet, &self.names);
            self.tell(path, found);
        }
        for (path, _, page) in &pages {
            let found = html::check(page, &self.names);
            self.tell(path, found);
        }
        self.frontend(pages, sheets);
        self.python();
        self.javascript();
    }

    fn of(&self, language: Language) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        let texts = self.texts.iter().map(|(path, text)| (*path, *text));
        texts.filter(move |(path, _)| self::language(path) == Some(language))
    }

    /// Puts problems to their places in a file.
    fn tell(&mut self, path: &str, found: Vec<(Problem, Range<usize>)>) {
        if found.is_empty() {
            return;
        }
        let text = self.texts.get(path).copied().unwrap_or_default();
        let lines = Lines::new(path, text);
        self.problems
            .extend(found.into_iter().map(|(problem, range)| Problem {
                place: Some(lines.place(range)),
                ..problem
            }));
    }

    fn tell_all(&mut self, found: Vec<(Problem, String, Range<usize>)>) {
        let mut by_file: BTreeMap<String, Vec<(Problem, Range<usize>)>> = BTreeMap::new();
        for (problem, path, range) in found {
            by_file.entry(path).or_default().push((problem, range));
        }
        for (path, found) in by_file {
            self.tell(&path, found);
        }
    }

    /// `main.js` is a backend only where there is no `main.py`.
    fn javascript(&mut self) {
        if !modules::of_backend(self.bundle).contains(javascript::MAIN) {
            return;
        }
        let found = backend::check(&backend::Sources {
            bundle: self.bundle,
            texts: &self.texts,
            manifest: self.manifest,
            names: &self.names,
        });
        self.tell_of_backend(found);
    }

    /// Tells what was found in a backend. Where a component stands beside it, that is what runs.
    fn tell_of_backend(&mut self, mut found: Vec<(Problem, String, Range<usize>)>) {
        if Backend::find(self.bundle, None) == Ok(Backend::Component) {
            for (problem, _, _) in &mut found {
                problem.severity = problem.severity.max(Severity::Warning);
            }
        }
        self.tell_all(found);
    }

    fn python(&mut self) {
        let libraries: BTreeSet<String> = self
            .bundle
            .files()
            .filter_map(|(path, _)| {
                let first = path.as_str().strip_prefix("libs/")?.split('/').next()?;
                Some(first.strip_suffix(".py").unwrap_or(first).to_owned())
            })
            .collect();
        let sources = python::Sources {
            files: self.of(Language::Python).collect(),
            libraries,
            manifest: self.manifest,
            names: &self.names,
        };
        let found = python::check(&sources);
        self.tell_of_backend(found);
    }

    fn frontend(&mut self, pages: Vec<(&'a str, &'a str, Page)>, sheets: Vec<(&'a str, Sheet)>) {
        let app = self.app.as_str();
        let Some(site) = Site::new(self.bundle, app) else {
            return;
        };
        let mut loader = Loader::new(&site, &self.texts, &self.names, app, &pages);
        let pages: Vec<OnePage<'_>> = pages
            .into_iter()
            .map(|(path, text, page)| loader.page(path, text, page))
            .collect();
        loader.root_script();
        let scripts = loader.scripts();
        let frontend = Frontend {
            site: &site,
            names: &self.names,
            pages,
            scripts,
            sheets,
        };
        let mut found = frontend.check();
        for script in frontend.scripts {
            let problems = script.facts.problems.into_iter();
            found.extend(problems.map(|(problem, range)| (problem, script.path.to_owned(), range)));
        }
        self.tell_all(found);
    }
}

/// The app's name in a manifest that cannot be used otherwise.
fn name_in(bundle: &Bundle) -> Option<String> {
    let text = std::str::from_utf8(bundle.file(MANIFEST)?).ok()?;
    let manifest: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let name = manifest.get("app_name").or_else(|| manifest.get("name"))?;
    Some(name.as_str()?.to_owned())
}

/// Whether a file was made by a tool of somebody else.
fn is_minified(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains(".min.")
        || name.contains(".bundle.")
        || text.lines().any(|line| line.len() > LINE_BYTES)
}
