//! The walker: what a statement does, read from PostgreSQL's own grammar before it is sent.
//!
//! [`inspect`] reads one text and gives a [`Verdict`], the same for every app, or a
//! [`Refusal`]. [`Verdict::admit`] then decides for one app's [`Scope`]. Everything is
//! refused that is not known to be harmless. It is pure code: no I/O, no database; the
//! second wall is the app's login role (`postgres::roles`).

#[cfg(test)]
mod fuzz;
mod guard;
mod names;
mod parse;
mod refusal;
mod repeat;
mod scope;
mod text;
mod verdict;
mod verdicts;
mod walk;

pub(crate) use parse::TEXT_BYTES;
pub(crate) use refusal::{Code, Refusal, Spot};
pub(crate) use repeat::{Repeat, repeat};
pub(crate) use scope::{Place, Scope};
pub(crate) use text::{first_word, looks_like_sql, with_parameters};
pub(crate) use verdict::{Ddl, Kind, Table, Verdict};
pub(crate) use verdicts::Verdicts;

/// The stack that a statement is read on, in bytes.
///
/// A tree of the greatest depth takes up to 3 MB, more than a thread of the server has, most
/// of it where the library decodes the tree.
const STACK: usize = 16 * 1024 * 1024;

/// Reads one statement.
///
/// The outcome depends on the text alone, so that it can be kept and used for every app
/// ([`Verdicts`]). A common statement takes some 50 us, one of a megabyte some 100 ms:
/// from async code, read a long text on a thread that may block.
/// It brings a stack of its own, so it may be called from any depth, and a text that nests too
/// deeply for it is refused.
pub(crate) fn inspect(sql: &str) -> Result<Verdict, Refusal> {
    parse::admit_length(sql)?;
    guard::admit(sql)?;
    stacker::grow(STACK, || {
        let statement = parse::one_statement(sql)?;
        walk::walk(sql, &statement)
    })
}

#[cfg(test)]
mod tests;
