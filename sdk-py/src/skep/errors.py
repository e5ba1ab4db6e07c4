"""Errors that the host's interfaces raise.

All derive from `SkepError`. `psycopg2` in a cell does not raise these: it maps
them to its own classes.
"""

from __future__ import annotations

from dataclasses import dataclass


class SkepError(Exception):
    """The base of every error of this package."""


@dataclass(eq=False)
class SqlError(SkepError):
    """PostgreSQL refused or failed a statement.

    `sqlstate` is its code, such as `23505` for a duplicate key. `position`
    counts characters of the statement from 1.
    """

    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    schema_name: str | None = None
    table_name: str | None = None
    column_name: str | None = None
    constraint_name: str | None = None

    def __str__(self) -> str:
        return f"{self.message} (SQLSTATE {self.sqlstate})"


class InvalidStatement(SkepError):
    """A parameter does not fit the statement, or a type is not supported."""


class OverLimit(SkepError):
    """A statement, its parameters or its result is over a limit, or a call asks too often.

    The text says which limit. Nothing of the statement is kept.
    """


class TimedOut(SkepError):
    """The call's time is over; the statement was cancelled on the server."""


class HostUnavailable(SkepError):
    """The host could not do it now. The same request may succeed later."""


class InvalidJob(SkepError):
    """A job cannot be queued as it is; the text says why."""


class QueueFull(SkepError):
    """The call has queued as many jobs as one call may, or too many of the app's wait."""


class JobOver(SkepError):
    """The job was cancelled, or another attempt at it has begun.

    The cell is about to be stopped, and nothing more is kept of it.
    """


class UndeclaredCredential(SkepError):
    """The manifest's `needs.credentials` does not name the credential, or it was withdrawn."""


class CredentialNotSet(SkepError):
    """An operator has not set the credential yet: `skep credentials set`."""


class UndeclaredSetting(SkepError):
    """The manifest's `settings` has no such key."""


class InvalidSetting(SkepError):
    """The value does not fit what the manifest declares of the setting."""


class UndeclaredAction(SkepError):
    """The manifest's `actions` declare no notification of this name."""


class InvalidPayload(SkepError):
    """The payload of a notification is too large, or not JSON."""


class QueryError(SkepError, RuntimeError):
    """`query` gave no rows. `query` is the statement's name, `error` says why.

    `status` is 404 for a name that the manifest has not, 400 for values that do not fit, 503
    where the database cannot be reached, 504 where the time is over, and else 500.
    """

    def __init__(self, query: str, status: int, error: str) -> None:
        said = error.startswith(f"query '{query}' ")
        super().__init__(error if said else f"query '{query}' failed ({status}): {error}")
        self.query = query
        self.status = status
        self.error = error


class NotInCell(SkepError):
    """An interface of the host was used outside a cell.

    `skep.testing` runs an app on your own machine.
    """


class ResultNotReady(SkepError):
    """Module-level code read a query result while the app was being built.

    The build then leaves the app's import to its first call.
    """
