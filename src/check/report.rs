//! What was found in one app, as text, JSON and SARIF.

mod sarif;
mod text;

use serde_json::{Value, json};

use super::problem::Problem;
use super::rule::Severity;
use super::settled;
use crate::app::Bundle;

/// All that was found in one app.
#[derive(Debug)]
pub(crate) struct Report {
    /// What was checked, as whoever asked has named it.
    pub(crate) path: String,
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    pub(crate) fn new(path: impl Into<String>, problems: Vec<Problem>) -> Self {
        Self {
            path: path.into(),
            problems: settled(problems),
        }
    }

    pub(crate) fn count(&self, severity: Severity) -> usize {
        let of = |problem: &&Problem| problem.severity == severity;
        self.problems.iter().filter(of).count()
    }

    /// For programs, complete.
    pub(crate) fn json(&self) -> Value {
        let problems = self.problems.iter().map(|problem| {
            json!({
                "rule": problem.rule.id,
                "severity": problem.severity,
                "title": problem.rule.title,
                "text": problem.text,
                "why": problem.rule.why,
                "fix": problem.rule.fix,
                "place": problem.place,
            })
        });
        json!({
            "path": self.path,
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "infos": self.count(Severity::Info),
            "problems": problems.collect::<Vec<_>>(),
        })
    }

    /// SARIF 2.1.0, as editors and code hosts read it.
    pub(crate) fn sarif(&self) -> Value {
        sarif::log(&self.problems)
    }

    /// For people, with the lines of the sources; `colours` where a terminal shows it.
    pub(crate) fn text(&self, bundle: Option<&Bundle>, colours: bool) -> String {
        text::page(self, bundle, colours)
    }
}

#[cfg(test)]
mod tests;
