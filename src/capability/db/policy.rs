//! How much one statement, and one call, may ask of the database.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// All parameters of one statement together.
pub(crate) const PARAMETER_BYTES: usize = 16 * 1024 * 1024;
/// The rows of one result.
pub(crate) const ROWS: usize = 10_000;
/// The values of one result, as PostgreSQL sends them.
pub(crate) const RESULT_BYTES: usize = 16 * 1024 * 1024;
/// The statements of one call.
pub(crate) const STATEMENTS: u32 = 10_000;
/// The connections that one call may hold open.
pub(crate) const CONNECTIONS: u32 = 8;

/// A limit that was passed. The text says which and what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverLimit {
    #[error("the parameters are larger than {PARAMETER_BYTES} bytes together: send them in parts")]
    Parameters,
    #[error("the result has more than {ROWS} rows: add a LIMIT, or read it in parts")]
    Rows,
    #[error(
        "the result is larger than {RESULT_BYTES} bytes: select fewer columns, or read it in parts"
    )]
    ResultBytes,
    #[error(
        "the call sent more than {STATEMENTS} statements: work on many rows with one statement"
    )]
    Statements,
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
#[derive(Debug, Default)]
pub(crate) struct ResultSize {
    rows: usize,
    bytes: usize,
}

impl ResultSize {
    /// Decides whether one more row of this size may be kept.
    pub(crate) fn admit(&mut self, row_bytes: usize) -> Result<(), OverLimit> {
        self.rows += 1;
        self.bytes += row_bytes;
        if self.rows > ROWS {
            Err(OverLimit::Rows)
        } else if self.bytes > RESULT_BYTES {
            Err(OverLimit::ResultBytes)
        } else {
            Ok(())
        }
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

    #[test]
    fn a_statements_name_tells_nothing_of_it() {
        assert_eq!(digest("SELECT 'secret'"), digest("SELECT 'secret'"));
        assert_eq!(digest("SELECT 1").len(), 16);
        assert_ne!(digest("SELECT 1"), digest("SELECT 2"));
    }

    #[test]
    fn a_result_is_bounded_in_rows_and_bytes() {
        let mut rows = ResultSize::default();
        for _ in 0..ROWS {
            assert_eq!(rows.admit(1), Ok(()));
        }
        assert_eq!(rows.admit(1), Err(OverLimit::Rows));

        let mut bytes = ResultSize::default();
        assert_eq!(bytes.admit(RESULT_BYTES), Ok(()));
        assert_eq!(bytes.admit(1), Err(OverLimit::ResultBytes));
    }
}
