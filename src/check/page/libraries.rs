//! Whether a page loads the libraries that its scripts use, and no others.

use std::ops::Range;

use super::{Found, Frontend, OnePage, file_name, runs_at_once};
use crate::check::html::Element;
use crate::check::js::LIBRARIES;
use crate::check::problem::Problem;
use crate::check::rule::Severity;
use crate::check::rules::html as rules;

const TABULATOR: &str = "Tabulator";

pub(super) fn check(frontend: &Frontend<'_>, page: &OnePage<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (global, file) in LIBRARIES {
        let loaded = elements(page).find(|element| loads(element, file));
        let used = uses(frontend, page, global);
        match (loaded, used) {
            (Some(element), None) if !page.runs_more => {
                let text = format!("no script of the page uses `{global}`");
                let problem = Problem::new(&rules::LIBRARY, text);
                found.push((problem, page.path.to_owned(), element.range.clone()));
            }
            (None, Some((path, range))) if !is_loaded_by_script(frontend, page, file) => {
                let text = format!("`{global}` is used, and `{}` does not load it", page.path);
                found.push((Problem::new(&rules::LIBRARY, text), path, range));
            }
            (Some(element), Some(_)) => found.extend(late(page, element, global)),
            (None, Some(_)) | (_, None) => {}
        }
    }
    found.extend(grid_style(frontend, page));
    found
}

fn elements<'a>(page: &'a OnePage<'_>) -> impl Iterator<Item = &'a Element> {
    page.page.elements.iter()
}

/// Whether a script is a library: the host's copy, or one that the app brings itself.
fn loads(element: &Element, file: &str) -> bool {
    let source = element
        .attribute("src")
        .filter(|_| element.name == "script");
    source.is_some_and(|source| file_name(&source.value).to_ascii_lowercase().contains(file))
}

/// Where a script of the page uses a global first.
fn uses(
    frontend: &Frontend<'_>,
    page: &OnePage<'_>,
    global: &str,
) -> Option<(String, Range<usize>)> {
    let mut scripts = page
        .runs
        .iter()
        .filter_map(|index| frontend.scripts.get(*index));
    scripts.find_map(|script| {
        let range = script.facts.libraries.get(global)?;
        Some((script.path.to_owned(), range.clone()))
    })
}

/// Whether a script of the page loads a library by itself.
fn is_loaded_by_script(frontend: &Frontend<'_>, page: &OnePage<'_>, file: &str) -> bool {
    let mut scripts = page
        .runs
        .iter()
        .filter_map(|index| frontend.scripts.get(*index));
    page.runs_more
        || scripts.any(|script| {
            let text = script.text.to_ascii_lowercase();
            [".min.js", ".js", ".full.min.js"]
                .iter()
                .any(|end| text.contains(&format!("{file}{end}")))
        })
}

/// A library behind the first script of the app that runs where it stands.
fn late(page: &OnePage<'_>, library: &Element, global: &str) -> Option<Found> {
    let of_app = |element: &&Element| {
        runs_at_once(element)
            && LIBRARIES.iter().all(|(_, file)| !loads(element, file))
            && element
                .attribute("src")
                .is_some_and(|source| !source.value.starts_with('/'))
    };
    let first = elements(page).find(of_app)?;
    (first.range.start < library.range.start).then(|| {
        let text = format!("`{global}` is loaded after the app's script");
        let problem = Problem::new(&rules::ORDER, text);
        (problem, page.path.to_owned(), library.range.clone())
    })
}

/// Grids need their style, in the head.
fn grid_style(frontend: &Frontend<'_>, page: &OnePage<'_>) -> Option<Found> {
    let (path, range) = uses(frontend, page, TABULATOR)?;
    let is_style = |element: &&Element| {
        let address = element.attribute("href").filter(|_| element.is_sheet());
        address.is_some_and(|address| {
            file_name(&address.value)
                .to_ascii_lowercase()
                .contains("tabulator")
        })
    };
    if let Some(style) = elements(page).find(is_style) {
        return (!style.in_head).then(|| {
            let problem = Problem::new(&rules::TABULATOR_STYLE, "the style belongs into the head");
            let problem = problem.at_most(Severity::Warning);
            (problem, page.path.to_owned(), style.range.clone())
        });
    }
    let mut sheets = frontend.sheets.iter();
    let is_own = sheets.any(|(_, sheet)| sheet.classes().any(|class| class == "tabulator"));
    let is_scripted = is_loaded_by_script(frontend, page, "tabulator");
    (!is_own && !is_scripted && !page.runs_more).then(|| {
        let text = format!("`{}` does not load tabulator.min.css", page.path);
        (Problem::new(&rules::TABULATOR_STYLE, text), path, range)
    })
}
