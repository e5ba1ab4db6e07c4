//! How much one statement, and one call, may ask of the database.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::limits::{Budget, MIB};

/// All parameters of one statement together.
pub(crate) const PARAMETER_BYTES: usize = 16 * 1024 * 1024;
/// The connections that one call may hold open.
pub(crate) const CONNECTIONS: u32 = 8;

/// A limit that was passed. The text says which and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverLimit {
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

/// Decides whether a statement with parameters of this size may be sent. How long its text
/// may be is decided where it is read ([`crate::sql::TEXT_BYTES`]).
pub(crate) fn admit_parameters(parameter_bytes: usize) -> Result<(), OverLimit> {
    if parameter_bytes > PARAMETER_BYTES {
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

/// The name of a statement in logs, which must not hold its values.
pub(crate) fn digest(sql: &str) -> String {
    let digest = Sha256::digest(sql);
    digest.iter().take(8).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_statements_name_tells_nothing_of_it() {
        assert_eq!(digest("SELECT 'secret'"), digest("SELECT 'secret'"));
        assert_eq!(digest("SELECT 1").len(), 16);
        assert_ne!(digest("SELECT 1"), digest("SELECT 2"));
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
