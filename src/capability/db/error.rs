//! Why a statement gave no result, and what of it the guest may know.

use tokio_postgres::error::{DbError as ServerError, ErrorPosition, SqlState};

use super::policy::OverLimit;
use crate::bindings::skep::app::db as wit;
use crate::sql::{Refusal, Spot};

/// Why a statement gave no result.
#[derive(Debug, thiserror::Error)]
#[expect(unreachable_pub, reason = "the generated bindings export it")]
pub enum DbError {
    /// PostgreSQL's own error. The app's author can mend it.
    #[error("{}", .0.message())]
    Sql(Box<ServerError>),
    /// The first wall's: the statement was not sent.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// A parameter, a type or a statement that cannot be carried; the text says what to do.
    #[error("{0}")]
    Invalid(String),
    #[error(transparent)]
    OverLimit(#[from] OverLimit),
    /// The app has not set a savepoint of this name in its transaction.
    #[error("savepoint \"{0}\" does not exist")]
    NoSavepoint(String),
    #[error("the call's time is over")]
    TimedOut,
    /// A result before was over a limit, and the guest has not ended the transaction.
    #[error("{ABORTED}")]
    Aborted,
    /// The transaction went with its connection, and the guest has not ended it.
    #[error("the connection to the database was lost, and the transaction with it")]
    Lost,
    /// Ours: the cause goes to our log.
    #[error("the database could not be reached")]
    Unavailable(#[source] anyhow::Error),
    /// A handle that the guest does not have: a broken ABI, so the cell is stopped.
    #[error(transparent)]
    Handle(#[from] wasmtime::component::ResourceTableError),
}

impl From<Refusal> for DbError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // The server is going away, or took the connection; neither is the app's.
            Some(cause)
                if [
                    SqlState::ADMIN_SHUTDOWN,
                    SqlState::CRASH_SHUTDOWN,
                    SqlState::CANNOT_CONNECT_NOW,
                    SqlState::TOO_MANY_CONNECTIONS,
                ]
                .contains(cause.code()) =>
            {
                Self::Unavailable(error.into())
            }
            Some(cause) => Self::Sql(Box::new(cause.clone())),
            None => Self::Unavailable(error.into()),
        }
    }
}

impl DbError {
    /// Whether the state of the session behind it is not known any more.
    pub(super) fn loses_the_session(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Unavailable(_))
    }

    /// The code of PostgreSQL's own error.
    pub(crate) fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Sql(error) => Some(error.code().code()),
            Self::Aborted => Some(SqlState::IN_FAILED_SQL_TRANSACTION.code()),
            Self::Refused(refusal) => Some(refusal.code().sqlstate()),
            Self::NoSavepoint(_) => Some(SqlState::S_E_INVALID_SPECIFICATION.code()),
            Self::Invalid(_)
            | Self::OverLimit(_)
            | Self::TimedOut
            | Self::Lost
            | Self::Unavailable(_)
            | Self::Handle(_) => None,
        }
    }

    /// Says what the guest may know. What it can mend arrives whole; what is ours goes to
    /// our log, and the guest learns only that it may try again.
    pub(crate) fn for_guest(self) -> wasmtime::Result<wit::Error> {
        match self {
            Self::Sql(error) => Ok(wit::Error::Sql(describe(&error))),
            Self::Refused(refusal) => Ok(wit::Error::Sql(refused(&refusal))),
            Self::NoSavepoint(_) => Ok(wit::Error::Sql(plain(
                SqlState::S_E_INVALID_SPECIFICATION,
                self.to_string(),
            ))),
            Self::Invalid(text) => Ok(wit::Error::Invalid(text)),
            Self::OverLimit(limit) => Ok(wit::Error::OverLimit(limit.to_string())),
            Self::TimedOut => Ok(wit::Error::TimedOut),
            Self::Aborted => Ok(wit::Error::Sql(plain(
                SqlState::IN_FAILED_SQL_TRANSACTION,
                ABORTED.to_owned(),
            ))),
            // Its cause was logged when it was lost.
            Self::Lost => Ok(wit::Error::Unavailable),
            Self::Unavailable(cause) => {
                tracing::error!(
                    error = format!("{cause:#}"),
                    "the database of an app failed"
                );
                Ok(wit::Error::Unavailable)
            }
            Self::Handle(error) => Err(error.into()),
        }
    }
}

/// What PostgreSQL says of any statement in a transaction that has failed.
const ABORTED: &str =
    "current transaction is aborted, commands ignored until end of transaction block";

/// A refusal as the error that PostgreSQL would have given.
fn refused(refusal: &Refusal) -> wit::SqlError {
    wit::SqlError {
        sqlstate: refusal.code().sqlstate().to_owned(),
        position: refusal.spot().map(Spot::character),
        ..plain(SqlState::SYNTAX_ERROR, refusal.to_string())
    }
}

fn plain(state: SqlState, message: String) -> wit::SqlError {
    wit::SqlError {
        sqlstate: state.code().to_owned(),
        message,
        detail: None,
        hint: None,
        position: None,
        schema_name: None,
        table_name: None,
        column_name: None,
        constraint_name: None,
    }
}

fn describe(error: &ServerError) -> wit::SqlError {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    wit::SqlError {
        sqlstate: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: owned(error.detail()),
        hint: owned(error.hint()),
        position: match error.position() {
            Some(ErrorPosition::Original(position)) => Some(*position),
            Some(ErrorPosition::Internal { .. }) | None => None,
        },
        schema_name: owned(error.schema()),
        table_name: owned(error.table()),
        column_name: owned(error.column()),
        constraint_name: owned(error.constraint()),
    }
}
