//! The table `tally_entries`: one function a statement.
//!
//! Every statement is a transaction of its own. Values go in as parameters, so that no text
//! of a caller's is ever read as SQL.

use crate::skep::app::db::{self, Error, Value};
use crate::{Failure, Problem};

const ADD: &str = "INSERT INTO tally_entries (name, amount) VALUES ($1, $2) RETURNING id";
const GET: &str = "SELECT name, amount FROM tally_entries WHERE id = $1";
const TOTAL: &str = "SELECT count(*), coalesce(sum(amount), 0) FROM tally_entries WHERE name = $1";

/// Adds an entry and returns its id.
pub(crate) fn add(name: &str, amount: i32) -> Result<i64, Problem> {
    let values = [Value::Text(name.to_owned()), Value::Integer(amount.into())];
    match rows(ADD, &values)?.pop().as_deref() {
        Some([Value::Integer(id)]) => Ok(*id),
        _ => Err(unexpected(ADD)),
    }
}

/// Finds an entry's name and amount.
pub(crate) fn get(id: i64) -> Result<Option<(String, i64)>, Problem> {
    match rows(GET, &[Value::Integer(id)])?.pop().as_deref() {
        None => Ok(None),
        Some([Value::Text(name), Value::Integer(amount)]) => Ok(Some((name.clone(), *amount))),
        Some(_) => Err(unexpected(GET)),
    }
}

/// Counts the entries of a name, and adds up their amounts.
pub(crate) fn total(name: &str) -> Result<(i64, i64), Problem> {
    match rows(TOTAL, &[Value::Text(name.to_owned())])?
        .pop()
        .as_deref()
    {
        Some([Value::Integer(count), Value::Integer(total)]) => Ok((*count, *total)),
        _ => Err(unexpected(TOTAL)),
    }
}

fn rows(sql: &str, values: &[Value]) -> Result<Vec<Vec<Value>>, Problem> {
    match db::execute(sql, values) {
        Ok(outcome) => Ok(outcome.rows),
        Err(error) => Err(failed(&describe(error))),
    }
}

fn describe(error: Error) -> String {
    match error {
        Error::Sql(cause) => format!("{} (SQLSTATE {})", cause.message, cause.sqlstate),
        Error::Invalid(text) | Error::OverLimit(text) => text,
        Error::TimedOut => "the database took too long".to_owned(),
        Error::Unavailable => "the database cannot be reached".to_owned(),
    }
}

fn unexpected(sql: &str) -> Problem {
    failed(&format!("unexpected columns from `{sql}`"))
}

fn failed(message: &str) -> Problem {
    Problem::Failed(Failure {
        name: "DatabaseError".to_owned(),
        message: message.to_owned(),
        trace: None,
    })
}
