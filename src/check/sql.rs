//! SQL of the manifest and of the sources, against the tables that the app will have.

use std::collections::BTreeSet;

use super::problem::Problem;
use super::rule::{Rule, Severity};
use super::rules::{bundle, sql as rules};
use crate::app::Manifest;
use crate::app::manifest::{Access, NamedStatement};
use crate::app::statement::{self, Read};
use crate::sql::{self, Code, Ddl, Kind, Place, Refusal, Repeat, Scope, Table, Verdict};

const PUBLIC: &str = "public";
/// What the host shows of its own to every app.
const JOBS: (&str, &str) = ("noderouter_core", "job_queue");
/// PostgreSQL cuts longer names, so that such an app has no schema of its own.
const NAME_BYTES: usize = 63;

/// The tables that an app will have, as far as its bundle says.
pub(super) struct Tables {
    scope: Scope,
    /// Whether there may be more, which nobody can see.
    more: bool,
}

impl Tables {
    /// The tables of the manifest: those that it makes, and those that it asks for. Without one
    /// there may be any.
    pub(super) fn of(manifest: Option<&Manifest>) -> Self {
        let Some(manifest) = manifest else {
            return Self {
                more: true,
                ..Self::default()
            };
        };
        let name = manifest.app_name.as_str();
        let mut tables = Self::default();
        if name.len() <= NAME_BYTES {
            tables.scope.schema = name.to_owned();
        }
        for ((schema, table), access) in manifest.footprint() {
            let table = Table::new(Some(schema), table);
            match access {
                Access::Read => tables.scope.readable.insert(table),
                Access::Write => tables.scope.writable.insert(table),
            };
        }
        for statement in &manifest.tables {
            if let Ok(verdict) = sql::inspect(statement) {
                tables.learn(&verdict);
            }
        }
        tables
    }

    /// Takes what a statement makes for the app's own.
    pub(super) fn learn(&mut self, verdict: &Verdict) {
        for name in verdict.creates() {
            let name = in_public(name);
            self.scope.types.insert(name.clone());
            self.scope.own.insert(name);
        }
    }

    /// Notes that tables are made by statements that cannot be read.
    pub(super) fn expect_more(&mut self) {
        self.more = true;
    }

    /// What a statement of a call would be refused for.
    fn admit(&self, verdict: &Verdict, place: Place) -> Result<(), Refusal> {
        match verdict.admit(&self.scope, place) {
            Err(refusal) if self.more && refusal.code() == Code::UndefinedTable => Ok(()),
            outcome => outcome,
        }
    }
}

/// The full name of what is made or dropped.
fn in_public(name: &Table) -> Table {
    Table::new(Some(name.schema.as_deref().unwrap_or(PUBLIC)), &name.name)
}

impl Default for Tables {
    fn default() -> Self {
        let mut scope = Scope::default();
        scope.writable.insert(Table::new(Some(JOBS.0), JOBS.1));
        Self { scope, more: false }
    }
}

/// Looks at the SQL of a manifest; `at` puts a problem to a field.
pub(super) fn of_manifest(
    manifest: &Manifest,
    at: impl Fn(&str, Problem) -> Problem,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let tables = Tables::of(Some(manifest));
    for (index, statement) in manifest.tables.iter().enumerate() {
        let found = of_tables(&tables, statement);
        let field = format!("tables[{index}]");
        problems.extend(found.into_iter().map(|problem| at(&field, problem)));
    }
    let Read {
        good,
        problems: faults,
        warnings,
    } = statement::read(&manifest.statements);
    let of_query = |statement: &NamedStatement, problem: Problem| {
        let text = format!("`{}`: {}", statement.name, problem.text);
        let field = format!("actions[={}].sql", statement.name);
        at(&field, Problem { text, ..problem })
    };
    for told in faults.into_iter().chain(warnings) {
        let rule = Rule::find(told.rule).unwrap_or(&bundle::QUERY);
        problems.push(of_query(told.statement, Problem::new(rule, told.text)));
    }
    for (statement, verdict) in good {
        // Module-level code may make the table; the deploy knows, once that has run.
        let refusal = tables.admit(&verdict, Place::Call).err();
        let found = refusal.map(|refusal| refused(&refusal).at_most(Severity::Warning));
        problems.extend(found.map(|problem| of_query(statement, problem)));
    }
    problems
}

/// One statement of the manifest's `tables`, which the deploy itself sends.
fn of_tables(tables: &Tables, statement: &str) -> Vec<Problem> {
    let verdict = match sql::inspect(statement) {
        Ok(verdict) => verdict,
        Err(refusal) => return vec![refused(&refusal)],
    };
    let refusal = tables.admit(&verdict, Place::Deploy).err();
    let mut problems: Vec<_> = refusal.iter().map(refused).collect();
    problems.extend(repeated(tables, statement, &verdict));
    problems
}

/// What the second deploy makes of a statement.
fn repeated(tables: &Tables, statement: &str, verdict: &Verdict) -> Option<Problem> {
    let mut drops = verdict.drops().map(in_public);
    let is_made = drops.any(|dropped| tables.scope.own.contains(&dropped));
    let text = match sql::repeat(statement) {
        Repeat::Harmless => return None,
        Repeat::Drops if !is_made => {
            let text = "it drops a table: is nobody in need of its rows?";
            let problem = Problem::new(&bundle::TABLES_REPEATED, text);
            return Some(problem.at_most(Severity::Warning));
        }
        Repeat::Fails(words) => format!("the second deploy fails at it: write {words}"),
        Repeat::AlwaysFails => {
            "the second deploy fails at it, and no words keep it from that: do without it"
                .to_owned()
        }
        Repeat::Doubles => {
            "each deploy inserts the rows again: write ON CONFLICT DO NOTHING".to_owned()
        }
        Repeat::Loses | Repeat::Drops => "each deploy throws the rows away: remove it".to_owned(),
    };
    Some(Problem::new(&bundle::TABLES_REPEATED, text))
}

/// What a refusal says, by the rule that fits it.
fn refused(refusal: &Refusal) -> Problem {
    let text = refusal.to_string();
    match refusal.code() {
        Code::Syntax => Problem::new(&rules::SQL_SYNTAX, text),
        Code::UndefinedTable => Problem::new(&rules::UNKNOWN_TABLE, text),
        Code::NotAvailable
        | Code::UndefinedFunction
        | Code::UndefinedObject
        | Code::NotPermitted
        | Code::NameTaken
        | Code::TooLong
        | Code::TooDeep => Problem::new(&rules::REFUSED, text),
    }
}

/// One text of a Python source, with `%s` in the place of values. What is refused may be caught
/// there, or meant for another database, so that none of it is certain.
pub(super) fn of_python(tables: &Tables, text: &str) -> Option<Problem> {
    let found = match inspect_python(text) {
        Err(refusal) => refused(&refusal),
        // Where it is sent decides, which other rules look at.
        Ok(verdict) => refused(&tables.admit(&verdict, Place::Deploy).err()?),
    };
    Some(found.at_most(Severity::Warning))
}

/// One statement of a script, and how many values it is given, where that is known. As for Python,
/// none of it is certain.
pub(super) fn of_script(tables: &Tables, text: &str, values: Option<usize>) -> Vec<Problem> {
    let verdict = match sql::inspect(text) {
        Ok(verdict) => verdict,
        Err(refusal) => return vec![refused(&refusal).at_most(Severity::Warning)],
    };
    let refusal = tables.admit(&verdict, Place::Call).err();
    let mut found: Vec<Problem> = refusal.iter().map(refused).collect();
    if let Some(values) = values
        && values != verdict.parameters()
    {
        let text = format!(
            "it takes {} values, and is given {values}",
            verdict.parameters()
        );
        found.push(Problem::new(&bundle::PARAMETERS, text));
    }
    let found = found.into_iter();
    found
        .map(|problem| problem.at_most(Severity::Warning))
        .collect()
}

/// Reads a statement with `%s` in the place of values.
pub(super) fn inspect_python(text: &str) -> Result<Verdict, Refusal> {
    let outcome = sql::inspect(&sql::with_parameters(text, |number| format!("(${number})")));
    match outcome {
        // As in INTERVAL %s: psycopg2 writes the value itself there.
        Err(refusal) if refusal.code() == Code::Syntax => {
            let written = sql::with_parameters(text, |_| "'1'".to_owned());
            sql::inspect(&written).map_err(|_| refusal)
        }
        outcome => outcome,
    }
}

/// What happens when a statement of a Python source is sent again.
pub(super) fn repeat_python(text: &str) -> Repeat {
    sql::repeat(&sql::with_parameters(text, |number| format!("(${number})")))
}

/// Whether a statement changes what tables there are.
pub(super) fn is_ddl(verdict: &Verdict) -> bool {
    matches!(verdict.kind(), Kind::Ddl(_))
}

/// The tables that a statement makes in `public`, by name.
pub(super) fn made_in_public(verdict: &Verdict) -> BTreeSet<&str> {
    if *verdict.kind() != Kind::Ddl(Ddl::CreateTable) {
        return BTreeSet::new();
    }
    let public = |table: &&Table| {
        table
            .schema
            .as_deref()
            .is_none_or(|schema| schema == PUBLIC)
    };
    let made = verdict.creates().filter(public);
    made.map(|table| table.name.as_str()).collect()
}
