//! What an author should mend in a bundle before, or when, it is deployed.
//!
//! [`mod@describe`] looks at the bundle and its manifest, [`mod@sources`] at the files in it, each
//! language with a real parser of it; [`rules`] lists what is looked for. All of it is pure.
//! Sources may be anybody's, and parsers recurse: whoever serves others checks them in a
//! process of its own, see [`apart`].
//!
//! An error says for certain that the app breaks, or breaks others; where that depends on what
//! nobody can see in the sources, it is a warning at most.

pub(crate) mod apart;
#[cfg(test)]
mod cost;
mod css;
mod describe;
mod html;
mod js;
mod names;
mod page;
mod problem;
mod python;
pub(crate) mod report;
mod rule;
mod rules;
mod sources;
mod sql;

pub(crate) use describe::{describe, refused};
pub(crate) use problem::Problem;
pub(crate) use rule::Severity;
pub(crate) use sources::sources;

use std::collections::BTreeMap;

/// Problems of one rule in one file: the first tell enough.
const OF_ONE_RULE: usize = 20;
/// Problems altogether.
const IN_ALL: usize = 1_000;

/// The id of a rule that there is.
pub(crate) fn rule_id(id: &str) -> Option<&'static str> {
    rule::Rule::find(id).map(|rule| rule.id)
}

/// Sorts problems by place, and leaves out what would only repeat.
fn settled(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by(|a, b| {
        let key = |problem: &Problem| {
            let place = problem.place.as_ref();
            let place = place.map(|place| (place.file.clone(), place.start.offset));
            (place, problem.severity, problem.rule.id)
        };
        key(a).cmp(&key(b)).then_with(|| a.text.cmp(&b.text))
    });
    problems.dedup();
    let mut counts: BTreeMap<(&str, Option<String>), usize> = BTreeMap::new();
    problems.retain(|problem| {
        let file = problem.place.as_ref().map(|place| place.file.clone());
        let count = counts.entry((problem.rule.id, file)).or_default();
        *count += 1;
        *count <= OF_ONE_RULE
    });
    // What is grave must not fall behind what is not.
    if problems.len() > IN_ALL {
        problems.sort_by_key(|problem| problem.severity);
        problems.truncate(IN_ALL);
    }
    problems
}

#[cfg(test)]
mod tests;
