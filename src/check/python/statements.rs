//! The SQL of the sources: what it makes, where, and of what it is put together.

use std::collections::BTreeSet;

use super::module::{Module, Text};
use super::{Found, Program, rules};
use crate::check::problem::Problem;
use crate::check::rule::Severity;
use crate::check::sql::{self, Tables};
use crate::sql::{Kind, Repeat, Verdict, first_word};

/// Statements that are read at all: reading one may take a while.
const MAX_READ: usize = 2_000;
/// Texts that are longer are no statement.
const MAX_SQL: usize = 64 * 1024;

impl Program<'_> {
    pub(super) fn statements(&self, tables: &mut Tables) -> Vec<Found> {
        let texts = self
            .modules
            .iter()
            .flat_map(|module| module.texts.iter().map(move |text| (module, text)));
        let texts: Vec<_> = texts
            .filter(|(_, text)| text.text.len() <= MAX_SQL)
            .take(MAX_READ)
            .collect();
        // Tables may be made by a statement that comes later in the sources.
        let mut verdicts = Vec::new();
        for (module, text) in &texts {
            let verdict = (!text.is_part).then(|| sql::inspect_python(&text.text));
            match &verdict {
                Some(Ok(verdict)) => tables.learn(verdict),
                Some(Err(_)) => {}
                None if is_making(&text.text) => tables.expect_more(),
                None => {}
            }
            verdicts.push((*module, *text, verdict.and_then(Result::ok)));
        }
        let mut found = Vec::new();
        for (module, text, verdict) in verdicts {
            let is_sent = text.is_sent
                || text
                    .named
                    .as_ref()
                    .is_some_and(|name| self.is_sent(module, name));
            let mut problems = Vec::new();
            if let Some(verdict) = &verdict {
                problems.extend(self.repeated(module, text, verdict, is_sent));
                problems.extend(self.in_call(module, text, verdict));
                problems.extend(self.prefix(verdict));
                problems.extend(progress(module, text, verdict));
            }
            if is_sent && !text.is_part {
                problems.extend(sql::of_python(tables, &text.text));
            }
            problems.extend(built(text));
            let place = || (module.path.to_owned(), text.range.clone());
            found.extend(problems.into_iter().map(|problem| {
                let (path, range) = place();
                (problem, path, range)
            }));
        }
        found
    }

    /// Whether a constant is sent somewhere.
    fn is_sent(&self, module: &Module<'_>, name: &str) -> bool {
        module.sent_names.contains(name)
            || self
                .modules
                .iter()
                .any(|other| other.sent_names.contains(name))
    }

    /// DDL that the next deploy fails at.
    fn repeated(
        &self,
        module: &Module<'_>,
        text: &Text,
        verdict: &Verdict,
        is_sent: bool,
    ) -> Option<Problem> {
        if !sql::is_ddl(verdict) {
            return None;
        }
        let Repeat::Fails(words) = sql::repeat_python(&text.text) else {
            return None;
        };
        let problem = Problem::new(&rules::DDL_REPEATED, format!("write {words}"));
        // It may be meant for one of the cases only, or its failure be expected.
        let function = module.function(text.spot.function);
        let runs = function.is_none_or(|function| self.loading.contains(&function.name));
        let certain = is_sent && !text.spot.guarded && runs && self.is_called_plainly(module, text);
        Some(match certain {
            true => problem,
            false => problem.at_most(Severity::Warning),
        })
    }

    /// Whether the function around a statement is called at the top level of its file, and not
    /// only in some case.
    fn is_called_plainly(&self, module: &Module<'_>, text: &Text) -> bool {
        let function = module.function(text.spot.function);
        function.is_none_or(|function| module.top_calls.contains(&function.name))
    }

    /// DDL that only calls reach.
    fn in_call(&self, module: &Module<'_>, text: &Text, verdict: &Verdict) -> Option<Problem> {
        let function = module.function(text.spot.function)?;
        let only_called =
            self.serving.contains(&function.name) && !self.loading.contains(&function.name);
        (sql::is_ddl(verdict) && only_called).then(|| {
            let text = format!("`{}` runs in calls only", function.name);
            Problem::new(&rules::DDL_IN_CALL, text)
        })
    }

    /// Tables in `public` without the app's prefix. One prefix that all its tables have in common
    /// is the app's, whatever its name.
    fn prefix(&self, verdict: &Verdict) -> Option<Problem> {
        let name = sql::made_in_public(verdict)
            .into_iter()
            .find(|name| !self.names.own(name))?;
        let text = format!("`{name}` could be any app's");
        Some(Problem::new(&rules::TABLE_PREFIX, text))
    }

    /// Connections that nobody closes.
    pub(super) fn connections(&self) -> Vec<Found> {
        let connects = self
            .modules
            .iter()
            .flat_map(|module| module.connects.iter().map(move |connect| (module, connect)));
        connects
            .filter(|(module, connect)| {
                let closed = |name: &String| {
                    let functions = match module.function(connect.function) {
                        Some(function) => std::slice::from_ref(function),
                        None => module.functions.as_slice(),
                    };
                    functions
                        .iter()
                        .any(|function| function.closed.contains(name))
                };
                !connect.is_held && !connect.named.as_ref().is_some_and(closed)
            })
            .map(|(module, connect)| {
                let problem = Problem::new(&rules::OPEN_CONNECTION, "nothing here closes it");
                (problem, module.path.to_owned(), connect.range.clone())
            })
            .collect()
    }
}

/// Progress of a job in each turn of a loop, or without the job's id.
fn progress(module: &Module<'_>, text: &Text, verdict: &Verdict) -> Option<Problem> {
    let is_progress = *verdict.kind() == Kind::Update
        && verdict.writes().any(|table| table.name == "job_queue")
        && text.text.to_lowercase().contains("progress");
    if !is_progress {
        return None;
    }
    let knows_job = module.functions.iter().any(|function| function.knows_job);
    let text = if text.spot.each_time {
        "each turn of the loop writes it"
    } else if !knows_job {
        "nothing here takes the job's id from `_job_id`"
    } else {
        return None;
    };
    Some(Problem::new(&rules::PROGRESS, text))
}

/// SQL with values of the request in it.
fn built(text: &Text) -> Option<Problem> {
    let is_built = text.is_part && text.tainted.is_some();
    is_built.then(|| {
        Problem::new(
            &rules::BUILT_SQL,
            "a value of the request is part of the SQL",
        )
    })
}

/// Whether a text that is put together may make tables.
fn is_making(text: &str) -> bool {
    let making: BTreeSet<&str> = ["CREATE", "ALTER"].into();
    first_word(text).is_some_and(|word| making.contains(word.as_str()))
}
