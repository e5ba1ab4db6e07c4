//! What only shows when a page, its scripts and its styles are looked at together.

mod classes;
mod libraries;
mod site;

pub(super) use site::{Meant, Site, is_remote};

use std::collections::BTreeSet;
use std::ops::Range;

use super::css::Sheet;
use super::html::{Attribute, Element, Page, is_bootstrap};
use super::js::Facts;
use super::names::Names;
use super::problem::Problem;
use super::rule::Severity;
use super::rules::{html as rules, js};

/// A problem, its file, and where in it.
pub(super) type Found = (Problem, String, Range<usize>);

/// A page of the bundle.
pub(super) struct OnePage<'a> {
    pub(super) path: &'a str,
    pub(super) page: Page,
    /// What runs on it, by the indexes of [`Frontend::scripts`].
    pub(super) runs: BTreeSet<usize>,
    /// Whether something runs on it that was not read.
    pub(super) runs_more: bool,
}

/// A script of the bundle that was read.
pub(super) struct OneScript<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    pub(super) facts: Facts,
}

/// All of a bundle that goes to browsers, as far as it was read.
pub(super) struct Frontend<'a> {
    pub(super) site: &'a Site<'a>,
    pub(super) names: &'a Names,
    pub(super) pages: Vec<OnePage<'a>>,
    pub(super) scripts: Vec<OneScript<'a>>,
    pub(super) sheets: Vec<(&'a str, Sheet)>,
}

impl Frontend<'_> {
    /// Looks at everything together.
    pub(super) fn check(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for page in &self.pages {
            found.extend(self.missing(page));
            found.extend(libraries::check(self, page));
        }
        found.extend(self.missing_imports());
        found.extend(self.missing_in_sheets());
        found.extend(self.icons());
        found.extend(classes::check(self));
        found
    }

    /// Files that a page names and the bundle does not have.
    fn missing<'s>(&'s self, page: &'s OnePage<'_>) -> impl Iterator<Item = Found> + 's {
        let elements = page.page.elements.iter();
        let named = elements.filter(|element| !is_bootstrap(element));
        named
            .flat_map(|element| element.resources().map(move |resource| (element, resource)))
            .filter(|(_, resource)| self.is_missing(page.path, resource))
            .map(|(element, resource)| {
                let text = self.site.why_missing(page.path, &resource.value);
                let problem = Problem::new(&rules::MISSING_FILE, text);
                // A page without an image still works; a fragment may be put anywhere.
                let breaks =
                    (element.name == "script" || element.is_sheet()) && !page.path.contains('/');
                let problem = match breaks {
                    true => problem,
                    false => problem.at_most(Severity::Warning),
                };
                (problem, page.path.to_owned(), resource.value_range.clone())
            })
    }

    /// A fragment in a folder is fetched into the app's page, whose address then counts.
    fn is_missing(&self, path: &str, resource: &Attribute) -> bool {
        let address = &resource.value;
        self.site.meant(path, address) == Meant::Missing
            && self.site.meant("index.html", address) == Meant::Missing
    }

    fn missing_imports(&self) -> impl Iterator<Item = Found> {
        self.scripts.iter().flat_map(|script| {
            let imports = script.facts.imports.iter();
            let missing = imports
                .filter(|import| self.site.meant(script.path, &import.text) == Meant::Missing);
            missing.map(|import| {
                let text = self.site.why_missing(script.path, &import.text);
                let problem = Problem::new(&rules::MISSING_FILE, text);
                (problem, script.path.to_owned(), import.range.clone())
            })
        })
    }

    fn missing_in_sheets(&self) -> impl Iterator<Item = Found> {
        self.sheets.iter().flat_map(|(path, sheet)| {
            let urls = sheet.urls.iter();
            let missing = urls.filter(|url| self.site.meant(path, &url.text) == Meant::Missing);
            missing.map(|url| {
                let text = self.site.why_missing(path, &url.text);
                let problem = Problem::new(&rules::MISSING_FILE, text).at_most(Severity::Warning);
                (problem, (*path).to_owned(), url.range.clone())
            })
        })
    }

    /// Placeholders of icons where nothing draws them.
    fn icons(&self) -> Vec<Found> {
        let scripts = self.scripts.iter();
        if scripts.clone().any(|script| script.facts.draws_icons)
            || self.pages.iter().any(|page| page.runs_more)
        {
            return Vec::new();
        }
        let problem = || Problem::new(&js::ICONS, "nothing calls lucide.createIcons()");
        let in_pages = self.pages.iter().flat_map(|page| {
            let elements = page.page.elements.iter();
            elements
                .filter_map(|element| element.attribute("data-lucide"))
                .map(|attribute| (problem(), page.path.to_owned(), attribute.range.clone()))
        });
        let in_scripts = scripts.flat_map(|script| {
            let wanted = script.facts.icons.iter();
            wanted.map(|range| (problem(), script.path.to_owned(), range.clone()))
        });
        in_pages.chain(in_scripts).collect()
    }
}

/// The file name in an address.
fn file_name(address: &str) -> &str {
    let path = address.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a classic script runs where it stands, before what comes after it.
fn runs_at_once(element: &Element) -> bool {
    element.script() == Some(false)
        && element.attribute("defer").is_none()
        && element.attribute("async").is_none()
}
