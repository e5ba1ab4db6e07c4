"""psycopg2's exception hierarchy, and what an error of PostgreSQL looks like in it."""

from __future__ import annotations

from typing import Any

from skep import errors as host_errors

_DIAGNOSTICS = (
    "column_name",
    "constraint_name",
    "context",
    "datatype_name",
    "internal_position",
    "internal_query",
    "message_detail",
    "message_hint",
    "message_primary",
    "schema_name",
    "severity",
    "severity_nonlocalized",
    "source_file",
    "source_function",
    "source_line",
    "sqlstate",
    "statement_position",
    "table_name",
)


class Diagnostics:
    """The fields of an error report; those that are not known are None."""

    def __init__(self, **known: str | None) -> None:
        for name in _DIAGNOSTICS:
            setattr(self, name, known.get(name))

    def __getattr__(self, name: str) -> str | None:
        raise AttributeError(name)


class Error(Exception):
    """The base of all errors of this module."""

    pgerror: str | None = None
    pgcode: str | None = None
    cursor: Any = None

    @property
    def diag(self) -> Diagnostics:
        """The error report's fields."""
        known: dict[str, str | None] = self.__dict__.get("_diagnostics", {})
        return Diagnostics(**known)


class Warning(Exception):  # noqa: A001
    """Part of the DB-API; never raised here."""


class InterfaceError(Error):
    """A connection or cursor was used in a way that cannot work, such as after `close`."""


class DatabaseError(Error):
    """The base of what the database reports."""


class DataError(DatabaseError):
    """A value does not fit: division by zero, number out of range."""


class OperationalError(DatabaseError):
    """The database could not do it: not reachable, over a limit, out of time."""


class IntegrityError(DatabaseError):
    """A constraint was violated."""


class InternalError(DatabaseError):
    """The transaction or a cursor is in no state for this."""


class ProgrammingError(DatabaseError):
    """The statement is wrong: no such table, a syntax error, too few parameters."""


class NotSupportedError(DatabaseError):
    """PostgreSQL, or a cell, cannot do this at all."""


class QueryCanceledError(OperationalError):
    """A statement was cancelled."""


class TransactionRollbackError(OperationalError):
    """The transaction lost against another one: serialisation, deadlock."""


for _public in (
    Error,
    Warning,
    InterfaceError,
    DatabaseError,
    DataError,
    OperationalError,
    IntegrityError,
    InternalError,
    ProgrammingError,
    NotSupportedError,
):
    _public.__module__ = "psycopg2"
for _public in (QueryCanceledError, TransactionRollbackError):
    _public.__module__ = "psycopg2.extensions"


_LINE_SHOWN = 60


def _statement_line(sql: str, position: int) -> str:
    """Shows the line of an error and a caret below it, as libpq does."""
    before = sql[: position - 1]
    number = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1)
    line = sql.split("\n")[number - 1].replace("\t", " ").rstrip("\r")
    start = 0
    if len(line) > _LINE_SHOWN and column > _LINE_SHOWN - 10:
        start = min(column - (_LINE_SHOWN - 10), max(len(line) - _LINE_SHOWN, 0))
    shown = line[start : start + _LINE_SHOWN]
    lead = "..." if start else ""
    tail = "..." if start + _LINE_SHOWN < len(line) else ""
    label = f"LINE {number}: {lead}"
    return f"{label}{shown}{tail}\n{' ' * (len(label) + column - start)}^\n"


def _report(error: host_errors.SqlError, sql: str) -> str:
    text = f"{error.message}\n"
    if error.position and error.position <= len(sql) + 1:
        text += _statement_line(sql, error.position)
    if error.detail:
        text += f"DETAIL:  {error.detail}\n"
    if error.hint:
        text += f"HINT:  {error.hint}\n"
    return text


def from_host(error: host_errors.SkepError, sql: str, cursor: Any = None) -> Error:
    """Turns an error of the host's `db` interface into the class that psycopg2 raises."""
    from psycopg2 import errors

    if isinstance(error, host_errors.SqlError):
        text = _report(error, sql)
        raised = errors.class_of(error.sqlstate)(text)
        raised.pgerror = f"ERROR:  {text}"
        raised.pgcode = error.sqlstate
        raised.__dict__["_diagnostics"] = {
            "severity": "ERROR",
            "severity_nonlocalized": "ERROR",
            "sqlstate": error.sqlstate,
            "message_primary": error.message,
            "message_detail": error.detail,
            "message_hint": error.hint,
            "statement_position": str(error.position) if error.position else None,
            "schema_name": error.schema_name,
            "table_name": error.table_name,
            "column_name": error.column_name,
            "constraint_name": error.constraint_name,
        }
    elif isinstance(error, host_errors.TimedOut):
        raised = errors.class_of("57014")("canceling statement: the call's time is over\n")
        raised.pgcode = "57014"
    elif isinstance(error, host_errors.InvalidStatement):
        raised = ProgrammingError(str(error))
    else:
        raised = OperationalError(str(error))
    raised.cursor = cursor
    return raised
