//! How much one statement, and one call, may ask of the database.

use crate::limits::{Budget, MIB};

/// The longest statement.
pub(crate) const STATEMENT_BYTES: usize = 16 * 1024 * 1024;
/// All parameters of one statement together.
pub(crate) const PARAMETER_BYTES: usize = 16 * 1024 * 1024;
/// The connections that one call may hold open.
pub(crate) const CONNECTIONS: u32 = 8;

/// A limit that was passed. The text says which and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverLimit {
    #[error(
        "the statement is longer than {STATEMENT_BYTES} bytes, values that are written into it included: send it in parts"
    )]
    Statement,
    #[error("the parameters are larger than {PARAMETER_BYTES} bytes together: send them in parts")]
    Parameters,
    #[error("the result has more than {0} rows: add a LIMIT, or read it in parts")]
    Rows(usize),
    #[error("the result is larger than {0} bytes: select fewer columns, or read it in parts")]
    ResultBytes(usize),
    #[error("the call sent more than {0} statements: work on many rows with one statement")]
    Statements(u32),
    #[error(
        "the call moved more than {} MiB between app and host: let the database work on data where it is",
        .0 / MIB as u64
    )]
    Transfer(u64),
    #[error("the call holds more than {CONNECTIONS} connections open: close them, or use one")]
    Connections,
}

/// Decides whether a statement of this size may be sent.
pub(crate) fn admit_statement(sql: &str, parameter_bytes: usize) -> Result<(), OverLimit> {
    if sql.len() > STATEMENT_BYTES {
        Err(OverLimit::Statement)
    } else if parameter_bytes > PARAMETER_BYTES {
        Err(OverLimit::Parameters)
    } else {
        Ok(())
    }
}

/// What one result has brought so far.
#[derive(Debug)]
pub(crate) struct ResultSize {
    budget: Budget,
    rows: usize,
    bytes: usize,
}

/// What one value takes beside its own bytes, in the host and in the cell.
const VALUE_BYTES: usize = 32;

impl ResultSize {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            rows: 0,
            bytes: 0,
        }
    }

    /// Decides whether one more row of this size may be kept.
    pub(crate) fn admit(&mut self, values: usize, bytes: usize) -> Result<(), OverLimit> {
        self.rows += 1;
        self.bytes += bytes + values * VALUE_BYTES;
        if self.rows > self.budget.rows {
            Err(OverLimit::Rows(self.budget.rows))
        } else if self.bytes > self.budget.result {
            Err(OverLimit::ResultBytes(self.budget.result))
        } else {
            Ok(())
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// What a statement does to the transaction it is sent in.
///
/// The host keeps the transactions of a call itself, so a statement that would begin or end
/// one is carried out as the operation of that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Begin,
    Commit,
    Rollback,
    /// It would outlive the call or reach beyond the app; the text says what to do instead.
    Refused(&'static str),
    /// Any other statement, savepoints included.
    None,
}

const TWO_PHASE: Control =
    Control::Refused("two-phase commit is not available to apps: use COMMIT");
const PREPARE: Control = Control::Refused(
    "PREPARE is not available to apps, because it would outlive the call: send the statement itself",
);
const COPY: Control = Control::Refused(
    "COPY is not available to apps: insert many rows with one INSERT, such as execute_values does",
);
const NOTIFY: Control = Control::Refused(
    "NOTIFY and LISTEN are not available to apps: return `_actions` to tell users of something",
);
const ROLES: Control =
    Control::Refused("roles and their settings are the host's: remove the statement");

/// Says what a statement does to its transaction, from its first words.
pub(crate) fn control(sql: &str) -> Control {
    let mut words = Words(sql);
    let mut next = || words.next();

    match next().as_str() {
        "BEGIN" => Control::Begin,
        "START" => Control::Begin,
        "END" => Control::Commit,
        "COMMIT" => match next().as_str() {
            "PREPARED" => TWO_PHASE,
            _ => Control::Commit,
        },
        "ABORT" => Control::Rollback,
        "ROLLBACK" => match next().as_str() {
            "PREPARED" => TWO_PHASE,
            "TO" => Control::None,
            "WORK" | "TRANSACTION" if next() == "TO" => Control::None,
            _ => Control::Rollback,
        },
        "PREPARE" if next() == "TRANSACTION" => TWO_PHASE,
        "PREPARE" => PREPARE,
        "COPY" => COPY,
        "NOTIFY" | "LISTEN" => NOTIFY,
        "ALTER" if ["ROLE", "USER", "GROUP", "SYSTEM"].contains(&next().as_str()) => ROLES,
        _ => Control::None,
    }
}

/// Whether a statement is `CREATE SCHEMA IF NOT EXISTS` for the app's own schema.
///
/// The host has made that schema, and the app may not make any, so PostgreSQL would refuse
/// the statement though there is nothing to do.
pub(crate) fn creates_own_schema(sql: &str, own: &str) -> bool {
    let mut words = Words(sql);
    let create = ["CREATE", "SCHEMA", "IF", "NOT", "EXISTS"]
        .iter()
        .all(|word| words.next() == *word);
    if !create {
        return false;
    }
    let name = skip_blank(words.0).trim_end_matches([';', ' ', '\t', '\n', '\r']);
    match name
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'))
    {
        Some(quoted) => quoted == own,
        None => name.to_ascii_lowercase() == own,
    }
}

/// The words that a statement begins with, in capitals.
struct Words<'a>(&'a str);

impl Words<'_> {
    /// The next word; empty at whatever is no word.
    fn next(&mut self) -> String {
        let rest = skip_blank(self.0);
        let end = rest
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.0 = after;
        word.to_ascii_uppercase()
    }
}

/// Skips what PostgreSQL's lexer skips before a statement: white space, comments (block
/// comments nest) and the semicolons of empty statements.
fn skip_blank(sql: &str) -> &str {
    let mut rest = sql;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c', ';']);
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment
                .split_once(['\n', '\r'])
                .map_or("", |(_, after)| after);
        } else if rest.starts_with("/*") {
            rest = skip_block_comment(rest);
        } else {
            return rest;
        }
    }
}

fn skip_block_comment(text: &str) -> &str {
    let mut rest = text;
    let mut depth = 0_usize;
    loop {
        if let Some(after) = rest.strip_prefix("/*") {
            depth += 1;
            rest = after;
        } else if let Some(after) = rest.strip_prefix("*/") {
            depth -= 1;
            rest = after;
            if depth == 0 {
                return rest;
            }
        } else {
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return "";
            }
            rest = characters.as_str();
        }
    }
}

/// Whether a statement that brought no row may still have columns.
///
/// A wrong yes costs one question to the server; so only what surely has none is a no.
pub(crate) fn may_have_columns(sql: &str) -> bool {
    const WITHOUT: [&str; 12] = [
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "COMMENT",
        "SET",
        "SAVEPOINT",
        "RELEASE",
    ];
    let start = skip_blank(sql);
    let begins = |word: &str| {
        start
            .get(..word.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(word))
    };
    let returning = || {
        sql.as_bytes()
            .windows("RETURNING".len())
            .any(|part| part.eq_ignore_ascii_case(b"RETURNING"))
    };
    !WITHOUT.into_iter().any(begins) || returning()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_statement_that_ends_a_transaction_is_known_however_it_is_written() {
        for (sql, expected) in [
            ("COMMIT", Control::Commit),
            (" \n;; /* a /* b */ */ -- x\n commit work", Control::Commit),
            ("end", Control::Commit),
            ("rollback", Control::Rollback),
            ("ROLLBACK/**/TO a", Control::None),
            ("rollback work to savepoint a", Control::None),
            ("rollback work", Control::Rollback),
            ("abort", Control::Rollback),
            ("begin", Control::Begin),
            ("start transaction", Control::Begin),
            ("prepare transaction 'x'", TWO_PHASE),
            ("commit prepared 'x'", TWO_PHASE),
            ("prepare p as select 1", PREPARE),
            ("copy t to stdout", COPY),
            ("/**/Notify x", NOTIFY),
            ("alter user current_user password 'x'", ROLES),
            ("alter table users add a int", Control::None),
            ("committed", Control::None),
            ("select 'commit'", Control::None),
            ("/* unfinished", Control::None),
            ("", Control::None),
        ] {
            assert_eq!(control(sql), expected, "{sql:?}");
        }
    }

    #[test]
    fn making_the_own_schema_is_known() {
        assert!(creates_own_schema(
            "CREATE SCHEMA IF NOT EXISTS items;",
            "items"
        ));
        assert!(creates_own_schema(
            "create schema if not exists Items",
            "items"
        ));
        assert!(creates_own_schema(
            "CREATE SCHEMA IF NOT EXISTS \"My-App\" ",
            "My-App"
        ));
        assert!(!creates_own_schema(
            "CREATE SCHEMA IF NOT EXISTS other",
            "items"
        ));
        assert!(!creates_own_schema("CREATE SCHEMA items", "items"));
        assert!(!creates_own_schema(
            "CREATE SCHEMA IF NOT EXISTS items CREATE TABLE t ()",
            "items"
        ));
    }

    #[test]
    fn only_what_surely_has_no_columns_is_not_asked_about() {
        assert!(may_have_columns("select 1"));
        assert!(may_have_columns("with a as (select 1) select * from a"));
        assert!(may_have_columns(
            "/* x */ insert into t values (1) returning id"
        ));
        assert!(!may_have_columns("insert into t values (1)"));
        assert!(!may_have_columns("  UPDATE t SET a = 1"));
    }

    #[test]
    fn a_result_is_bounded_in_rows_and_bytes() {
        let limits = Limits::STANDARD;
        let budget = limits.budget(&limits.default);

        let mut rows = ResultSize::new(budget);
        for _ in 0..budget.rows {
            assert_eq!(rows.admit(1, 1), Ok(()));
        }
        assert_eq!(rows.admit(1, 1), Err(OverLimit::Rows(10_000)));

        let mut bytes = ResultSize::new(budget);
        assert_eq!(bytes.admit(0, budget.result), Ok(()));
        assert_eq!(bytes.admit(0, 1), Err(OverLimit::ResultBytes(16 * MIB)));

        // Nothing at all takes memory, too.
        let mut nulls = ResultSize::new(budget);
        assert_eq!(
            nulls.admit(budget.result, 0),
            Err(OverLimit::ResultBytes(16 * MIB))
        );
    }
}
