//! Classes that elements have and no style defines.

use std::collections::BTreeSet;
use std::ops::Range;

use super::{Found, Frontend};
use crate::check::names::is_bootstrap;
use crate::check::problem::Problem;
use crate::check::rules::css as rules;

/// What the layout and the libraries define.
const OTHERS: [&str; 5] = ["nr-", "tabulator", "lucide", "echarts", "bi-"];

pub(super) fn check(frontend: &Frontend<'_>) -> Vec<Found> {
    let sheets = frontend.sheets.iter();
    let defined: BTreeSet<&str> = sheets.flat_map(|(_, sheet)| sheet.classes()).collect();
    let is_known = |class: &str| {
        defined.contains(class)
            || is_bootstrap(class)
            || OTHERS.iter().any(|begin| class.starts_with(begin))
            // Those of the app itself are often there to be found by a script only.
            || frontend.names.own(class)
            || is_looked_for(frontend, class)
    };
    let mut told = BTreeSet::new();
    let mut found = Vec::new();
    let mut look = |class: &str, file: &str, range: Range<usize>| {
        if !is_known(class) && told.insert(class.to_owned()) {
            let text = format!("neither Bootstrap nor the app defines `{class}`");
            found.push((
                Problem::new(&rules::UNDEFINED_CLASS, text),
                file.to_owned(),
                range,
            ));
        }
    };
    for page in &frontend.pages {
        for element in &page.page.elements {
            let Some(attribute) = element.attribute("class") else {
                continue;
            };
            for class in words(&attribute.value) {
                look(class, page.path, attribute.value_range.clone());
            }
        }
    }
    for script in &frontend.scripts {
        for (classes, range) in &script.facts.classes {
            for class in words(classes) {
                look(class, script.path, range.clone());
            }
        }
    }
    found
}

/// The classes of a list, without what is put together at run time.
pub(in crate::check) fn words(list: &str) -> impl Iterator<Item = &str> {
    let plain = |class: &&str| {
        let mut letters = class.chars();
        letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_' || first == '-')
            && letters.all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
            && !class.ends_with('-')
    };
    list.split_ascii_whitespace().filter(plain)
}

/// Whether a script finds elements by the class, which then is no style.
fn is_looked_for(frontend: &Frontend<'_>, class: &str) -> bool {
    let selector = format!(".{class}");
    let mut scripts = frontend.scripts.iter();
    scripts.any(|script| script.text.contains(&selector))
}
