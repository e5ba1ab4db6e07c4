//! The SQL that an app's sources hold, as far as it stands there in one piece.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::app::python::{self, Literal};
use crate::app::{Bundle, Manifest, frontend, javascript};
use crate::sql::{self, Code, Ddl, Kind};

/// Statements that are listed one by one; a plan must end.
const MAX_LISTED: usize = 500;
/// Texts that are read at all: reading one may take a while.
const MAX_READ: usize = 2_000;
/// Texts that are longer are no statement.
const MAX_SQL: usize = 64 * 1024;

/// The statements that were found in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Statements {
    /// At most 500, by place.
    pub(crate) listed: Vec<Statement>,
    /// How many more there are.
    pub(crate) more: usize,
    /// Where statements are put together at run time, so that nobody can say what they do.
    pub(crate) built: Vec<String>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Statement {
    /// `main.py:12`, or of the manifest `tables[0]`, counted from 0, or `action NAME`.
    pub(crate) place: String,
    /// Such as `SELECT` or `CREATE TABLE`.
    pub(crate) kind: String,
    pub(crate) reads: Vec<String>,
    pub(crate) writes: Vec<String>,
    pub(crate) creates: Vec<String>,
    pub(crate) alters: Vec<String>,
    pub(crate) drops: Vec<String>,
    /// Why it will be refused whenever it is sent.
    pub(crate) refused: Option<String>,
    /// Whether the active release does not have it.
    pub(crate) new: bool,
}

/// A text with its place.
struct Text {
    place: String,
    sql: String,
    /// Whether values come to it by `%s`.
    is_python: bool,
}

/// The statements of the manifest's `tables`; `before` are those of the active release.
pub(super) fn of_tables(manifest: &Manifest, before: Option<&Manifest>) -> Vec<Statement> {
    let known: BTreeSet<&str> = before
        .iter()
        .flat_map(|manifest| &manifest.tables)
        .map(String::as_str)
        .collect();
    let tables = manifest.tables.iter().enumerate();
    tables
        .filter_map(|(index, sql)| {
            let text = Text {
                place: format!("tables[{index}]"),
                sql: sql.clone(),
                is_python: false,
            };
            read(&text, |sql| !known.contains(sql))
        })
        .collect()
}

/// The statements of the backend's sources and of the manifest's actions; `before` is what
/// they are compared to.
pub(super) fn of_sources(
    manifest: &Manifest,
    bundle: &Bundle,
    before: Option<(&Manifest, &Bundle)>,
) -> Statements {
    let (texts, built) = texts(manifest, bundle);
    let known: BTreeSet<String> = before
        .map(|(manifest, bundle)| self::texts(manifest, bundle).0)
        .unwrap_or_default()
        .into_iter()
        .map(|text| text.sql)
        .collect();

    let unread = texts.len().saturating_sub(MAX_READ);
    let mut found: Vec<Statement> = texts
        .iter()
        .take(MAX_READ)
        .filter_map(|text| read(text, |sql| !known.contains(sql)))
        .collect();
    let more = found.len().saturating_sub(MAX_LISTED) + unread;
    found.truncate(MAX_LISTED);
    Statements {
        listed: found,
        more,
        built,
    }
}

/// The tables that the manifest's `tables` create, as they are named, each once.
pub(in crate::deploy) fn created(manifest: &Manifest) -> BTreeSet<sql::Table> {
    manifest
        .tables
        .iter()
        .filter_map(|statement| sql::inspect(statement).ok())
        .flat_map(|verdict| verdict.creates().cloned().collect::<Vec<_>>())
        .collect()
}

/// What looks like SQL, and where more is put together at run time.
fn texts(manifest: &Manifest, bundle: &Bundle) -> (Vec<Text>, Vec<String>) {
    let mut texts: Vec<Text> = manifest
        .statements
        .iter()
        .map(|statement| Text {
            place: format!("action {}", statement.name),
            sql: statement.sql.clone(),
            is_python: false,
        })
        .collect();
    let mut built = Vec::new();
    let scripts = frontend::modules::of_backend(bundle);
    for (path, contents) in bundle.files() {
        let is_python = path.as_str().ends_with(".py");
        if !is_python && !scripts.contains(path.as_str()) {
            continue;
        }
        let source = String::from_utf8_lossy(contents);
        let literals = if is_python {
            python::literals(&source)
        } else {
            javascript::literals(&source)
        };
        for Literal {
            line,
            text,
            is_part,
        } in literals
        {
            if text.len() > MAX_SQL || !looks_like_sql(&text) {
                continue;
            }
            let place = format!("{}:{line}", path.as_str());
            if is_part {
                built.push(place);
            } else {
                texts.push(Text {
                    place,
                    sql: text,
                    is_python,
                });
            }
        }
    }
    built.truncate(MAX_LISTED);
    (texts, built)
}

/// What one text does; none if it is not a statement.
fn read(text: &Text, is_new: impl Fn(&str) -> bool) -> Option<Statement> {
    let mut statement = Statement {
        place: text.place.clone(),
        kind: String::new(),
        reads: Vec::new(),
        writes: Vec::new(),
        creates: Vec::new(),
        alters: Vec::new(),
        drops: Vec::new(),
        refused: None,
        new: is_new(&text.sql),
    };
    let verdict = if text.is_python {
        sql::inspect(&with_parameters(&text.sql))
    } else {
        sql::inspect(&text.sql)
    };
    match verdict {
        // A constant, or words that happen to read as one: `Select one`.
        Ok(verdict)
            if *verdict.kind() == Kind::Select
                && verdict.reads().next().is_none()
                && verdict.functions().next().is_none() =>
        {
            return None;
        }
        Ok(verdict) => {
            statement.kind = word(verdict.kind())?.to_owned();
            statement.reads = names(verdict.reads());
            statement.writes = names(verdict.writes());
            statement.creates = names(verdict.creates());
            statement.alters = names(verdict.alters());
            statement.drops = names(verdict.drops());
        }
        Err(refusal) if refusal.code() == Code::Syntax => return None,
        Err(refusal) => {
            statement.kind = first_word(&text.sql).unwrap_or_default();
            statement.refused = Some(refusal.to_string());
        }
    }
    Some(statement)
}

fn names<'a>(tables: impl Iterator<Item = &'a sql::Table>) -> Vec<String> {
    tables.map(ToString::to_string).collect()
}

/// The kind of a statement; none for what only moves in a transaction or a cursor.
fn word(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Select => "SELECT",
        Kind::Insert => "INSERT",
        Kind::Update => "UPDATE",
        Kind::Delete => "DELETE",
        Kind::Merge => "MERGE",
        Kind::Truncate => "TRUNCATE",
        Kind::Declare(_) => "DECLARE",
        Kind::Ddl(ddl) => match ddl {
            Ddl::AlterSequence => "ALTER SEQUENCE",
            Ddl::AlterTable => "ALTER TABLE",
            Ddl::AlterType => "ALTER TYPE",
            Ddl::Comment => "COMMENT",
            Ddl::CreateIndex => "CREATE INDEX",
            Ddl::CreateSchema => "CREATE SCHEMA",
            Ddl::CreateSequence => "CREATE SEQUENCE",
            Ddl::CreateTable => "CREATE TABLE",
            Ddl::CreateType => "CREATE TYPE",
            Ddl::CreateView => "CREATE VIEW",
            Ddl::Drop => "DROP",
            Ddl::Rename => "RENAME",
        },
        Kind::Begin
        | Kind::Commit
        | Kind::Rollback
        | Kind::Savepoint(_)
        | Kind::Release(_)
        | Kind::RollbackTo(_)
        | Kind::Fetch(_)
        | Kind::Move(_)
        | Kind::Close(_) => return None,
    })
}

/// Whether a text begins as statements do. Words such as SET and SHOW begin too many others.
fn looks_like_sql(text: &str) -> bool {
    const WORDS: [&str; 15] = [
        "ALTER", "COMMENT", "COPY", "CREATE", "DECLARE", "DELETE", "DO", "DROP", "GRANT", "INSERT",
        "MERGE", "SELECT", "TRUNCATE", "UPDATE", "WITH",
    ];
    first_word(text).is_some_and(|word| WORDS.contains(&word.as_str()))
}

/// The first word behind white space, comments and opening brackets, in capitals.
fn first_word(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '(');
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n')?.1;
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/")?.1;
        } else {
            break;
        }
    }
    let word: String = rest
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect::<String>()
        .to_ascii_uppercase();
    let more = rest.get(word.len()..)?;
    let ends =
        more.is_empty() || more.starts_with(|c: char| c.is_whitespace() || "(*$'\"/".contains(c));
    (ends && !word.is_empty()).then_some(word)
}

/// The statement with PostgreSQL's parameters in the place of Python's `%s` and `%(name)s`.
///
/// In brackets, so that a tuple's place (`IN %s`, `VALUES %s`) can be read too.
fn with_parameters(text: &str) -> String {
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = 0_usize;
    let mut sql = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        sql.push_str(before);
        let named = after
            .strip_prefix('(')
            .and_then(|named| named.split_once(")s"))
            .filter(|(name, _)| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        rest = if let Some(behind) = after.strip_prefix('s') {
            count += 1;
            sql.push_str(&format!("(${count})"));
            behind
        } else if let Some((name, behind)) = named {
            let number = *numbers.entry(name).or_insert_with(|| {
                count += 1;
                count
            });
            sql.push_str(&format!("(${number})"));
            behind
        } else if let Some(behind) = after.strip_prefix('%') {
            sql.push('%');
            behind
        } else {
            sql.push('%');
            after
        };
    }
    sql + rest
}

#[cfg(test)]
mod tests;
