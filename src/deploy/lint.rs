//! Checks a bundle before anything is built of it: errors refuse it, warnings go into its plan.

use super::{DeployError, Deployer};
use crate::app::Bundle;
use crate::check::{self, Problem, Severity};
use crate::deploy::plan::Warning;

impl Deployer {
    /// What the author should mend.
    ///
    /// # Errors
    ///
    /// When something is found for which the app, or another, would break.
    pub(super) async fn lint(&self, bundle: &Bundle) -> Result<Vec<Warning>, DeployError> {
        let apart = check::apart::sources(&self.0.work, bundle).await;
        let mut problems = apart.map_err(|error| DeployError::Internal(error.into()))?;
        let bundle = bundle.clone();
        // Reading the SQL of a manifest takes up to some milliseconds for each statement.
        let described = tokio::task::spawn_blocking(move || check::describe(&bundle));
        let described = described.await;
        problems.extend(described.map_err(|error| DeployError::Internal(error.into()))?);
        let report = check::report::Report::new("", problems);
        if report.count(Severity::Error) > 0 {
            let errors = report.problems.into_iter();
            let errors = errors.filter(|problem| problem.severity == Severity::Error);
            return Err(DeployError::Check(errors.collect()));
        }
        let warnings = report.problems.iter();
        let warnings = warnings.filter(|problem| problem.severity == Severity::Warning);
        Ok(warnings.map(Warning::of).collect())
    }
}

/// The errors, or the first of very many and how many more there are.
pub(super) fn told(errors: &[Problem]) -> String {
    const SHOWN: usize = 50;
    let told = |problem: &Problem| {
        let (place, rule) = (problem.place_text(), problem.rule);
        let message = problem.message();
        format!("{place}: {} ({})\n    {message}", rule.title, rule.id)
    };
    let mut lines: Vec<String> = errors.iter().take(SHOWN).map(told).collect();
    let more = errors.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!(
            "and {more} more: `skep check` shows all, with the sources"
        ));
    }
    lines.join("\n")
}
