//! The walker: what a statement does, read from PostgreSQL's own grammar before it is sent.
//!
//! [`inspect`] reads one text and gives a [`Verdict`], the same for every app, or a
//! [`Refusal`]. [`Verdict::admit`] then decides for one app's [`Scope`]. Everything is
//! refused that is not known to be harmless. It is pure code: no I/O, no database; the
//! second wall is the app's login role (`postgres::roles`).

mod names;
mod parse;
mod refusal;
mod scope;
mod verdict;
mod verdicts;
mod walk;

pub(crate) use parse::TEXT_BYTES;
pub(crate) use refusal::{Code, Refusal, Spot};
pub(crate) use scope::{Place, Scope};
pub(crate) use verdict::{Ddl, Kind, Table, Verdict};
pub(crate) use verdicts::Verdicts;

/// Reads one statement.
///
/// The outcome depends on the text alone, so that it can be kept and used for every app
/// ([`Verdicts`]). A common statement takes some 20 us, one of a megabyte some 100 ms:
/// from async code, read a long text on a thread that may block. It needs about 1 MB of
/// stack, and refuses what is nested too deeply for the stack that there is.
pub(crate) fn inspect(sql: &str) -> Result<Verdict, Refusal> {
    let statement = parse::one_statement(sql)?;
    walk::walk(sql, &statement)
}

#[cfg(test)]
mod tests;
