//! From a text to PostgreSQL's own tree of it, within limits of length and depth.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use pg_query::protobuf::Node;

use super::refusal::{Code, Refusal, Spot};

/// The longest statement, in bytes. `docs/decisions.md` says how it was chosen.
pub(crate) const TEXT_BYTES: usize = 1024 * 1024;

/// Held while the parser runs.
///
/// The library points the process's stderr at a pipe of its own for that time. Two threads
/// that did so at once would leave it there.
static PARSER: Mutex<()> = Mutex::new(());

const TOO_DEEP: &str = "the statement is nested too deeply to be checked";
const LESS_DEEP: &str = "at most about 46 operators such as `||` or `+` in a row, 47 joins or 16 subqueries within each other can be: \
    use concat(...), VALUES, a WITH query for each part, or several statements";

/// Parses exactly one statement.
///
/// It needs some 600 KB of stack below it and gives an error, never a crash, however deeply
/// the text nests: the parser measures the stack of the thread that it runs on.
pub(super) fn one_statement(sql: &str) -> Result<Node, Refusal> {
    if sql.len() > TEXT_BYTES {
        return Err(Refusal::new(
            Code::TooLong,
            None,
            format!(
                "the statement is longer than {TEXT_BYTES} bytes, values that are written into it included"
            ),
            "send it in parts, or send the values as parameters",
        ));
    }
    let mut statements = parse(sql)?.into_iter();
    match (statements.next(), statements.next()) {
        (Some(statement), None) => Ok(statement),
        (Some(_), Some(_)) => Err(Refusal::new(
            Code::Syntax,
            None,
            "there is more than one statement",
            "send each statement on its own",
        )),
        (None, _) => Err(Refusal::new(
            Code::Syntax,
            None,
            "there is no statement in the text",
            "send one",
        )),
    }
}

fn parse(sql: &str) -> Result<Vec<Node>, Refusal> {
    let outcome = {
        let _parser = PARSER.lock().unwrap_or_else(PoisonError::into_inner);
        // The library collects more than the tree, with code that may panic on trees
        // that it does not expect.
        catch_unwind(AssertUnwindSafe(|| pg_query::parse(sql, 0)))
    };
    let Ok(outcome) = outcome else {
        return Err(unreadable(
            Code::NotAvailable,
            "the statement cannot be checked",
            "write it in another way",
        ));
    };
    let parsed = outcome.map_err(|error| refusal(sql, error))?;
    parsed
        .protobuf
        .stmts
        .into_iter()
        .map(|raw| {
            let statement = raw.stmt.map(|statement| *statement);
            statement.ok_or_else(|| {
                unreadable(
                    Code::NotAvailable,
                    "the statement cannot be checked",
                    "write it in another way",
                )
            })
        })
        .collect()
}

fn unreadable(code: Code, what: &str, fix: &str) -> Refusal {
    Refusal::new(code, None, what, fix)
}

fn refusal(sql: &str, error: pg_query::Error) -> Refusal {
    match error {
        pg_query::Error::Parse(message)
            if message.contains("stack depth limit") || message.contains("memory exhausted") =>
        {
            unreadable(Code::TooDeep, TOO_DEEP, LESS_DEEP)
        }
        pg_query::Error::Parse(message) => {
            let spot = place_of_error(sql, &message);
            Refusal::new(Code::Syntax, spot, message, "correct the statement")
        }
        pg_query::Error::Decode(_) => unreadable(Code::TooDeep, TOO_DEEP, LESS_DEEP),
        pg_query::Error::Conversion(_) => unreadable(
            Code::Syntax,
            "the statement has a zero byte in it",
            "remove it; PostgreSQL's text has no such character",
        ),
        other @ (pg_query::Error::InvalidJson(_)
        | pg_query::Error::InvalidPointer
        | pg_query::Error::Scan(_)
        | pg_query::Error::IsUtility(_)
        | pg_query::Error::Split(_)) => unreadable(
            Code::NotAvailable,
            &other.to_string(),
            "write the statement in another way",
        ),
    }
}

/// The place of a syntax error. The library gives none, but the text of the error quotes the
/// word that it is at; where that word stands once, it is known.
fn place_of_error(sql: &str, message: &str) -> Option<Spot> {
    let (_, quoted) = message.split_once("at or near \"")?;
    let word = quoted.strip_suffix('"')?;
    let mut places = sql.match_indices(word);
    match (places.next(), places.next()) {
        (Some((offset, _)), None) => Spot::at(sql, i32::try_from(offset).ok()?),
        (Some(_) | None, _) => None,
    }
}
