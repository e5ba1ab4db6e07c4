//! What a backend sends to the database.

use oxc_ast::ast::{CallExpression, Expression};
use oxc_span::GetSpan;

use super::rules;
use crate::check::js::syntax::argument;
use crate::check::js::{Code, Found};
use crate::check::problem::Problem;
use crate::check::sql::{self, Tables};

/// Texts that are longer are no statement.
const MAX_SQL: usize = 64 * 1024;

impl<'a> Code<'_, 'a> {
    /// `sql(text, values)`.
    pub(super) fn sent(
        &self,
        call: &CallExpression<'a>,
        at_once: bool,
        tables: &Tables,
    ) -> Vec<Found> {
        if !self.is_global_value(call.callee.without_parentheses(), "sql") {
            return Vec::new();
        }
        let mut found = Vec::new();
        if at_once {
            let problem = Problem::new(&rules::EARLY_SQL, "this runs when the app is built");
            found.push(self.found(problem, call.span));
        }
        let Some(statement) = argument(&call.arguments, 0) else {
            return found;
        };
        let text = self.put_together(statement);
        let problems = if text.parts.is_empty() && text.text.len() <= MAX_SQL {
            sql::of_script(tables, &text.text, values(call))
        } else {
            let mut parts = text.parts.iter();
            let is_tainted = parts.any(|part| self.is_of_request(part));
            let tainted = is_tainted.then(|| {
                let text = "a value of the request is part of the SQL";
                Problem::new(&rules::PUT_TOGETHER, text)
            });
            tainted.into_iter().collect()
        };
        let problems = problems.into_iter();
        found.extend(problems.map(|problem| self.found(problem, statement.span())));
        found
    }
}

/// How many values a call passes, where that is written out.
fn values(call: &CallExpression<'_>) -> Option<usize> {
    match call.arguments.get(1) {
        None => (call.arguments.len() == 1).then_some(0),
        Some(given) => match given.as_expression()?.without_parentheses() {
            Expression::ArrayExpression(list) => {
                let is_all = list.elements.iter().all(|value| !value.is_spread());
                is_all.then_some(list.elements.len())
            }
            Expression::NullLiteral(_) => Some(0),
            _other => None,
        },
    }
}
