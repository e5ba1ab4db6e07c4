//! Style sheets: selectors that reach beyond the app, and colours that no theme changes.

mod parse;
mod selector;

pub(super) use parse::{Sheet, declarations, parse};

use std::ops::Range;

use self::parse::{Colour, StyleRule};
use self::selector::Selector;
use super::names::Names;
use super::problem::Problem;
use super::rule::Severity;
use super::rules::css as rules;

/// A problem and where it is.
pub(super) type Found = (Problem, Range<usize>);

/// Looks at a sheet.
pub(super) fn check(sheet: &Sheet, names: &Names) -> Vec<Found> {
    let mut found = Vec::new();
    for rule in &sheet.rules {
        if !rule.within_own(&sheet.rules, names) {
            let problems = rule.selectors.iter();
            found.extend(problems.filter_map(|selector| reach(selector, rule, names)));
        }
    }
    found.extend(sheet.colours.iter().map(colour));
    for url in &sheet.urls {
        if super::page::is_remote(&url.text) {
            let text = format!("`{}` is on another host", excerpt(&url.text));
            found.push((Problem::new(&rules::REMOTE_STYLE, text), url.range.clone()));
        }
    }
    for (text, range) in &sheet.errors {
        found.push((
            Problem::new(&rules::CSS_SYNTAX, text.as_str()),
            range.clone(),
        ));
    }
    found
}

/// A fixed colour of a `style` attribute or a sheet.
pub(super) fn colour(colour: &Colour) -> Found {
    let text = format!("`{}` is the same in every theme", excerpt(&colour.text));
    let problem = Problem::new(&rules::COLOUR, text);
    let problem = match colour.is_fallback {
        true => problem.at_most(Severity::Info),
        false => problem,
    };
    (problem, colour.range.clone())
}

impl StyleRule {
    /// Whether it is nested in a rule that is held inside the app.
    fn within_own(&self, rules: &[Self], names: &Names) -> bool {
        let mut around = self.within.and_then(|index| rules.get(index));
        while let Some(rule) = around {
            if rule
                .selectors
                .iter()
                .all(|selector| selector.has_own(names))
            {
                return true;
            }
            around = rule.within.and_then(|index| rules.get(index));
        }
        false
    }
}

/// How far a selector reaches beyond the app, if it does.
fn reach(selector: &Selector, rule: &StyleRule, names: &Names) -> Option<Found> {
    let written = excerpt(&selector.text);
    let found = |problem| Some((problem, selector.range.clone()));
    if selector.has_own(names) {
        let subject = selector.unprefixed_subject(names)?;
        let text = format!("`.{subject}` in `{written}` has no prefix of the app");
        return found(Problem::new(&rules::SUBJECT, text));
    }
    if selector.is_held() {
        return None;
    }
    if let Some(name) = selector.first_name() {
        let example = names.example();
        let text =
            format!("`{written}`: begin `{name}` with the app's prefix, such as `{example}-`");
        return found(Problem::new(&rules::PREFIX, text));
    }
    // Variables of the app's own meet nobody else's.
    let own = |name: &String| names.own(name.trim_start_matches('-'));
    if rule.only_variables && rule.variables.iter().all(own) {
        return None;
    }
    let text = format!("`{written}` styles elements of the whole page");
    found(Problem::new(&rules::ELEMENT, text))
}

fn excerpt(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
        .take(60)
        .collect()
}
