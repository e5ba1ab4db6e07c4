//! From a text to PostgreSQL's own tree of it, within limits of length and depth.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pg_query::protobuf::Node;

use super::refusal::{Code, Refusal, Spot};

/// The longest statement, in bytes. `docs/decisions.md` says how it was chosen.
pub(crate) const TEXT_BYTES: usize = 1024 * 1024;

/// How the parser says that a text nests too deeply, in each of its stages.
const TOO_DEEP_WORDS: [&str; 3] = ["stack depth limit", "memory exhausted", "nested too deeply"];
const TOO_DEEP: &str = "the statement is nested too deeply to be checked";
const LESS_DEEP: &str = "at most 45 operators such as `||` or `+` in a row, 47 joins or 15 subqueries within each other can be: \
    use concat(...), VALUES, a WITH query for each part, or several statements";

/// Decides whether a text is short enough to be read.
pub(super) fn admit_length(sql: &str) -> Result<(), Refusal> {
    if sql.len() <= TEXT_BYTES {
        return Ok(());
    }
    let what = format!(
        "the statement is longer than {TEXT_BYTES} bytes, values that are written into it included"
    );
    let fix = "send it in parts, or send the values as parameters";
    Err(Refusal::new(Code::TooLong, None, what, fix))
}

/// Parses exactly one statement.
///
/// The parser gives an error, never a crash, however deeply the text nests. Decoding what it
/// made needs some 3 MB of stack at its greatest depth.
pub(super) fn one_statement(sql: &str) -> Result<Node, Refusal> {
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
    // The library collects more than the tree, with code that may panic on trees that it does
    // not expect.
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| pg_query::parse(sql, 0))) else {
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
            if TOO_DEEP_WORDS.iter().any(|words| message.contains(words)) =>
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn parsing_leaves_the_process_its_stderr() {
        // The library would take it away, were it not built as `.cargo/config.toml` says.
        let stderr = || rustix::fs::fstat(std::io::stderr()).map(|stat| (stat.st_dev, stat.st_ino));
        let before = stderr().expect("a stderr");
        let done = AtomicBool::new(false);

        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..2_000 {
                    one_statement(&format!("SELECT {number}")).expect("a statement");
                }
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                assert_eq!(stderr(), Ok(before));
            }
        });
    }
}
