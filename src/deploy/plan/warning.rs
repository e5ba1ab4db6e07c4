//! What an author should mend, as it is kept with a plan.

use serde::{Deserialize, Serialize};

use crate::app::Finding;
use crate::check::{self, Problem};

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Warning {
    /// The rule's id.
    pub(crate) rule: String,
    /// Such as `main.py:12:5`, or `bundle`.
    pub(crate) place: String,
    /// What is wrong there.
    pub(crate) text: String,
    /// How to mend it.
    pub(crate) fix: String,
}

impl Warning {
    pub(in crate::deploy) fn of(problem: &Problem) -> Self {
        Self {
            rule: problem.rule.id.to_owned(),
            place: problem.place_text(),
            text: problem.text.clone(),
            fix: problem.rule.fix.to_owned(),
        }
    }

    /// Whether another finding is the same.
    pub(super) fn says(&self, other: &Finding) -> bool {
        self.rule == other.rule && self.text == other.text
    }

    /// As the report of a deploy has it.
    pub(super) fn finding(&self) -> Option<Finding> {
        let rule = check::rule_id(&self.rule)?;
        Some(Finding::new(rule, format!("{}: {}", self.place, self.text)))
    }
}
