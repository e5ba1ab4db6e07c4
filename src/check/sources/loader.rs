//! Which scripts of a bundle run on which page.

use std::collections::{BTreeMap, BTreeSet};

use super::{Language, language};
use crate::check::html::Page;
use crate::check::js::{self, Facts, Kind, Script};
use crate::check::names::Names;
use crate::check::page::{Meant, OnePage, OneScript, Site};

/// Follows pages to their scripts, and scripts to what they import.
pub(super) struct Loader<'a, 's> {
    site: &'s Site<'a>,
    texts: &'s BTreeMap<&'a str, &'a str>,
    names: &'s Names,
    app: &'s str,
    mapped: Vec<String>,
    scripts: Vec<OneScript<'a>>,
    /// Files that were read, by path and kind.
    known: BTreeMap<(&'a str, Kind), usize>,
}

impl<'a, 's> Loader<'a, 's> {
    /// For the pages of a bundle, each with its path and text.
    pub(super) fn new(
        site: &'s Site<'a>,
        texts: &'s BTreeMap<&'a str, &'a str>,
        names: &'s Names,
        app: &'s str,
        pages: &[(&'a str, &'a str, Page)],
    ) -> Self {
        let mapped = pages.iter().flat_map(|(_, text, page)| mapped(text, page));
        Self {
            site,
            texts,
            names,
            app,
            mapped: mapped.collect(),
            scripts: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// All that was read.
    pub(super) fn scripts(self) -> Vec<OneScript<'a>> {
        self.scripts
    }

    pub(super) fn page(&mut self, path: &'a str, text: &'a str, page: Page) -> OnePage<'a> {
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
    pub(super) fn root_script(&mut self) {
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
