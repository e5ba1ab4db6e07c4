//! The statements that a manifest names, read before anything of the bundle runs.
//!
//! Which tables they reach is decided later, when the app's own have been made.

use super::manifest::{NamedStatement, StatementKind};
use crate::sql::{self, Kind, Verdict};

/// Every statement of a manifest, read.
#[derive(Debug, Default)]
pub(crate) struct Read<'a> {
    /// Those that can be run, as far as their text tells.
    pub(crate) good: Vec<(&'a NamedStatement, Verdict)>,
    /// Why others cannot.
    pub(crate) problems: Vec<Told<'a>>,
    pub(crate) warnings: Vec<Told<'a>>,
}

/// What is told of one statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told<'a> {
    pub(crate) statement: &'a NamedStatement,
    /// The rule's id.
    pub(crate) rule: &'static str,
    /// What is wrong and what to do; it does not name the action.
    pub(crate) text: String,
}

/// Reads statements. That takes up to some milliseconds for each.
pub(crate) fn read(statements: &[NamedStatement]) -> Read<'_> {
    let mut read = Read::default();
    for statement in statements {
        match judge(statement) {
            Err(problem) => read.problems.push(problem),
            Ok(verdict) => {
                read.warnings.extend(wrong_type(statement, &verdict));
                read.good.push((statement, verdict));
            }
        }
    }
    read
}

fn judge(statement: &NamedStatement) -> Result<Verdict, Told<'_>> {
    let problem = |rule, text: String| {
        Err(Told {
            statement,
            rule,
            text,
        })
    };
    let verdict = match sql::inspect(&statement.sql) {
        Ok(verdict) => verdict,
        Err(refusal) => return problem("SK-B11", refusal.to_string()),
    };
    if !is_of_rows(verdict.kind()) {
        let text = "it neither reads nor changes rows: write SELECT, INSERT, UPDATE or DELETE; \
                    what makes tables belongs into `tables`";
        return problem("SK-B11", text.to_owned());
    }
    if let Some(params) = &statement.params
        && params.len() != verdict.parameters()
    {
        let text = format!(
            "its SQL has {}, and `params` lists {}",
            match verdict.parameters() {
                0 => "no `$1`".to_owned(),
                1 => "`$1` alone".to_owned(),
                highest => format!("`$1` to `${highest}`"),
            },
            params.len()
        );
        return problem("NR-B17", text);
    }
    Ok(verdict)
}

fn is_of_rows(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Select | Kind::Insert | Kind::Update | Kind::Delete | Kind::Merge | Kind::Truncate
    )
}

/// A query that does more than read. It is run all the same: what counts is the SQL.
fn wrong_type<'a>(statement: &'a NamedStatement, verdict: &Verdict) -> Option<Told<'a>> {
    let is_wrong = statement.kind == StatementKind::Query && *verdict.kind() != Kind::Select;
    is_wrong.then(|| Told {
        statement,
        rule: "SK-B12",
        text: "it has the type `query` and changes rows: say `mutation`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::manifest::{Param, ParamKind};

    fn statement(sql: &str, params: Option<usize>) -> NamedStatement {
        let param = |number| Param {
            name: format!("p{number}"),
            kind: ParamKind::Text,
            nullable: false,
        };
        NamedStatement {
            name: "act".to_owned(),
            kind: StatementKind::Query,
            sql: sql.to_owned(),
            params: params.map(|count| (0..count).map(param).collect()),
            tables: Vec::new(),
        }
    }

    fn problem(sql: &str, params: Option<usize>) -> Option<String> {
        let statements = [statement(sql, params)];
        let read = read(&statements);
        assert_eq!(read.good.len() + read.problems.len(), 1, "{sql}");
        let told = read.problems.first();
        told.map(|told| format!("{} {}", told.rule, told.text))
    }

    #[test]
    fn a_statement_takes_as_many_values_as_it_lists() {
        let sql = "SELECT id FROM items WHERE name = $2 AND id > $1 LIMIT $3";

        assert_eq!(problem(sql, Some(3)), None);
        assert_eq!(problem(sql, None), None);
        assert_eq!(problem("SELECT 1 FROM items", Some(0)), None);
        assert_eq!(
            problem(sql, Some(2)).unwrap(),
            "NR-B17 its SQL has `$1` to `$3`, and `params` lists 2"
        );
        assert!(problem(sql, Some(4)).is_some());
        assert!(
            problem("DELETE FROM items", Some(1))
                .unwrap()
                .contains("has no `$1`")
        );
    }

    #[test]
    fn what_no_app_may_send_is_refused() {
        for (sql, expected) in [
            ("SELEC 1", "syntax error"),
            ("SELECT pg_sleep(1)", "pg_sleep"),
            ("DELETE FROM a; DELETE FROM b", "one statement"),
            ("CREATE TABLE t (id int)", "belongs into `tables`"),
            ("COMMIT", "neither reads nor changes rows"),
            (
                "DECLARE c CURSOR FOR SELECT 1",
                "neither reads nor changes rows",
            ),
        ] {
            let problem = problem(sql, None).unwrap();

            assert!(problem.starts_with("SK-B11 "), "{sql}: {problem}");
            assert!(problem.contains(expected), "{sql}: {problem}");
        }
    }

    #[test]
    fn a_query_that_changes_rows_is_told() {
        let warned = |sql: &str, kind| {
            let statements = [NamedStatement {
                kind,
                ..statement(sql, None)
            }];
            read(&statements).warnings.len()
        };

        assert_eq!(warned("DELETE FROM items", StatementKind::Query), 1);
        assert_eq!(warned("DELETE FROM items", StatementKind::Mutation), 0);
        assert_eq!(warned("SELECT id FROM items", StatementKind::Query), 0);
    }
}
