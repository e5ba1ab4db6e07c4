//! The files of a bundle: which are read, by whom, and what comes of them together.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::css::{self, Sheet};
use super::html::{self, Page};
use super::js::{self, Facts, Kind, Script};
use super::names::Names;
use super::page::{Frontend, Meant, OnePage, OneScript, Site};
use super::problem::{Lines, Problem};
use super::rule::Severity;
use super::rules::bundle as rules;
use super::{python, settled};
use crate::app::{Backend, Bundle, Description, Manifest};

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
    names: Names,
    /// The texts that are read, by path.
    texts: BTreeMap<&'a str, &'a str>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn new(bundle: &'a Bundle, manifest: Option<&'a Manifest>) -> Self {
        let app = manifest.map_or("", |manifest| manifest.app_name.as_str());
        let mut reader = Self {
            bundle,
            manifest,
            names: Names::of(app),
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
            let problem = Problem::new(&rules::NOT_READ, format!("`{path}`: {why}"));
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

    fn python(&mut self) {
        let backend = Backend::find(self.bundle, None);
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
        let mut found = python::check(&sources);
        if backend == Ok(Backend::Component) {
            // A component is run as it is, whatever stands beside it.
            for (problem, _, _) in &mut found {
                problem.severity = problem.severity.max(Severity::Warning);
            }
        }
        self.tell_all(found);
    }

    fn frontend(&mut self, pages: Vec<(&'a str, &'a str, Page)>, sheets: Vec<(&'a str, Sheet)>) {
        let app = self
            .manifest
            .map_or("", |manifest| manifest.app_name.as_str());
        let Some(site) = Site::new(self.bundle, app) else {
            return;
        };
        let mut loader = Loader {
            site: &site,
            texts: &self.texts,
            names: &self.names,
            app,
            mapped: pages
                .iter()
                .flat_map(|(_, text, page)| mapped(text, page))
                .collect(),
            scripts: Vec::new(),
            known: BTreeMap::new(),
        };
        let pages: Vec<OnePage<'_>> = pages
            .into_iter()
            .map(|(path, text, page)| loader.page(path, text, page))
            .collect();
        loader.root_script();
        let scripts = loader.scripts;
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

/// Follows pages to their scripts, and scripts to what they import.
struct Loader<'a, 's> {
    site: &'s Site<'a>,
    texts: &'s BTreeMap<&'a str, &'a str>,
    names: &'s Names,
    app: &'s str,
    mapped: Vec<String>,
    scripts: Vec<OneScript<'a>>,
    /// Files that were read, by path and kind.
    known: BTreeMap<(&'a str, Kind), usize>,
}

impl<'a> Loader<'a, '_> {
    fn page(&mut self, path: &'a str, text: &'a str, page: Page) -> OnePage<'a> {
        let mut one = OnePage {
            path,
            page: Page::default(),
            runs: BTreeSet::new(),
            runs_more: false,
        };
        for element in &page.elements {
            let Some(is_module) = element.script() else {
                continue;
            };
            let kind = if is_module {
                Kind::Module
            } else {
                Kind::Classic
            };
            if let Some(source) = element.attribute("src") {
                match self.site.meant(path, &source.value) {
                    Meant::File(file) => self.file(file, kind, &mut one),
                    Meant::Missing | Meant::Else => {}
                }
            } else if let Some(range) = element.contents.clone()
                && let Some(inline) = text.get(range.clone())
                && !inline.trim().is_empty()
            {
                let facts = self.check(inline, range.start, kind);
                self.add(path, text, facts, &mut one);
            }
        }
        OnePage { page, ..one }
    }

    /// A script that no page names, which the contract's own layout would.
    fn root_script(&mut self) {
        const SCRIPT: &str = "index.js";
        let is_known = self.known.keys().any(|(path, _)| *path == SCRIPT);
        if let Some((path, _)) = self.texts.get_key_value(SCRIPT).filter(|_| !is_known) {
            let mut page = OnePage {
                path,
                page: Page::default(),
                runs: BTreeSet::new(),
                runs_more: true,
            };
            self.file(path, Kind::Either, &mut page);
        }
    }

    /// A file, and everything that it imports.
    fn file(&mut self, file: &'a str, kind: Kind, page: &mut OnePage<'a>) {
        let mut open = vec![(file, kind)];
        while let Some((file, kind)) = open.pop() {
            let Some(text) = self.texts.get(file).copied() else {
                page.runs_more = true;
                continue;
            };
            let index = match self.known.get(&(file, kind)) {
                Some(index) => *index,
                None => {
                    let facts = self.check(text, 0, kind);
                    let index = self.scripts.len();
                    self.known.insert((file, kind), index);
                    self.scripts.push(OneScript {
                        path: file,
                        text,
                        facts,
                    });
                    index
                }
            };
            if page.runs.insert(index) {
                open.extend(self.imports(file, index));
            }
        }
    }

    fn imports(&self, file: &str, index: usize) -> Vec<(&'a str, Kind)> {
        let imports = self
            .scripts
            .get(index)
            .map(|script| script.facts.imports.as_slice());
        imports
            .unwrap_or_default()
            .iter()
            .filter_map(|import| match self.site.meant(file, &import.text) {
                Meant::File(path) if language(path) == Some(Language::Script) => {
                    Some((path, Kind::Module))
                }
                Meant::File(_) | Meant::Missing | Meant::Else => None,
            })
            .collect()
    }

    /// A script in a page, with what it imports.
    fn add(&mut self, path: &'a str, text: &'a str, facts: Facts, page: &mut OnePage<'a>) {
        let index = self.scripts.len();
        self.scripts.push(OneScript { path, text, facts });
        page.runs.insert(index);
        for (file, kind) in self.imports(path, index) {
            self.file(file, kind, page);
        }
    }

    fn check(&self, text: &str, base: usize, kind: Kind) -> Facts {
        let script = Script {
            text,
            base,
            kind,
            app: self.app,
            mapped: &self.mapped,
        };
        js::check(script, self.names)
    }
}

/// The names in the import maps of a page.
fn mapped(text: &str, page: &Page) -> Vec<String> {
    let maps = page
        .elements
        .iter()
        .filter(|element| element.has_word("type", &["importmap"]));
    let maps = maps.filter_map(|element| text.get(element.contents.clone()?));
    let imports = maps.filter_map(|map| {
        let map: serde_json::Value = serde_json::from_str(map).ok()?;
        let imports = map.get("imports")?.as_object()?;
        Some(imports.keys().cloned().collect::<Vec<_>>())
    });
    imports.flatten().collect()
}

/// Whether a file was made by a tool of somebody else.
fn is_minified(path: &str, text: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.contains(".min.")
        || name.contains(".bundle.")
        || text.lines().any(|line| line.len() > LINE_BYTES)
}
