//! `execute`: whether it is there, takes what it is given, and leaves the connection alone.

use super::module::{Function, Module};
use super::{Found, MAIN, Program, rules};
use crate::check::problem::Problem;

const EXECUTE: &str = "execute";
/// What the host passes by name.
const PASSED: [&str; 3] = ["conn", "query", "report_progress"];

impl Program<'_> {
    pub(super) fn entry(&self) -> Vec<Found> {
        let Some(main) = self.modules.iter().find(|module| module.path == MAIN) else {
            return Vec::new();
        };
        let at = |problem, range| (problem, MAIN.to_owned(), range);
        let mut functions = main.functions.iter().enumerate();
        let execute = functions.rfind(|(_, it)| it.is_top && it.name == EXECUTE);
        let Some((index, execute)) = execute else {
            let is_there = main.bound.contains(EXECUTE) || main.binds_more;
            let missing = || {
                at(
                    Problem::new(&rules::NO_EXECUTE, "main.py defines no `execute`"),
                    0..0,
                )
            };
            return (!is_there).then(missing).into_iter().collect();
        };
        let mut found = self.signature(execute);
        found.extend(reentered(main, index, execute));
        found
            .into_iter()
            .map(|(problem, range)| at(problem, range))
            .collect()
    }

    fn signature(&self, execute: &Function) -> Vec<(Problem, std::ops::Range<usize>)> {
        let problem = |text: String| Problem::new(&rules::SIGNATURE, text);
        let mut parameters = execute.parameters.iter();
        let mut found = Vec::new();
        if parameters.next().is_none() && !execute.takes_any {
            found.push((
                problem("it takes no request".to_owned()),
                execute.range.clone(),
            ));
        }
        for parameter in parameters.clone() {
            let is_passed = PASSED.contains(&parameter.name.as_str());
            if !is_passed && !parameter.has_default {
                let text = format!("nobody passes `{}`: give it a default", parameter.name);
                found.push((problem(text), parameter.range.clone()));
            }
        }
        let takes = |name: &str| execute.parameters.iter().any(|it| it.name == name);
        let opens_none = self.modules.iter().all(|module| module.connects.is_empty());
        let sends = self
            .modules
            .iter()
            .flat_map(|module| &module.texts)
            .any(|text| text.is_sent);
        let mut imports = self.modules.iter().flat_map(|module| &module.imports);
        // Its modules give connections by themselves.
        let is_nousviz = imports.any(|(name, _)| name == "nousviz_sdk");
        if sends
            && !is_nousviz
            && opens_none
            && !takes("conn")
            && !takes("query")
            && !execute.takes_any
        {
            let text = "it uses the database, and takes no `conn=None`".to_owned();
            found.push((problem(text), execute.range.clone()));
        }
        found
    }
}

/// `with conn:` on the connection that was passed in, and is still the same.
fn reentered(
    main: &Module<'_>,
    index: usize,
    execute: &Function,
) -> Vec<(Problem, std::ops::Range<usize>)> {
    let is_passed = execute
        .parameters
        .iter()
        .skip(1)
        .any(|it| it.name == "conn");
    if !is_passed || execute.assigned.contains("conn") {
        return Vec::new();
    }
    let entered = main.entered.iter();
    let again = entered.filter(|entered| entered.function == Some(index) && entered.name == "conn");
    again
        .map(|entered| {
            let problem = Problem::new(&rules::REENTERED, "`conn` has been entered by the host");
            (problem, entered.range.clone())
        })
        .collect()
}
