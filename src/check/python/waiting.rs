//! Calls that wait.

use super::module::{Wait, Waiting};
use super::{Found, Program, rules};
use crate::check::problem::Problem;

/// A pause of one call, in seconds, that nobody minds.
const SHORT: f64 = 1.0;

impl Program<'_> {
    /// Pauses and endless loops in what calls reach, unless it is work of a job.
    pub(super) fn waiting(&self) -> Vec<Found> {
        let waits = self
            .modules
            .iter()
            .flat_map(|module| module.waits.iter().map(move |wait| (module, wait)));
        waits
            .filter_map(|(module, wait)| {
                let function = module.function(wait.function)?;
                if function.knows_job || !self.serving.contains(&function.name) {
                    return None;
                }
                let problem = Problem::new(&rules::SLOW, said(wait)?);
                Some((problem, module.path.to_owned(), wait.range.clone()))
            })
            .collect()
    }
}

fn said(wait: &Wait) -> Option<String> {
    match wait.what {
        Waiting::Forever => Some("this loop has no end".to_owned()),
        Waiting::Sleep {
            seconds: Some(seconds),
            in_loop: false,
        } => (seconds >= SHORT).then(|| format!("it pauses for {seconds} s")),
        Waiting::Sleep { in_loop: true, .. } => Some("it pauses in each turn of a loop".to_owned()),
        Waiting::Sleep { seconds: None, .. } => None,
    }
}
