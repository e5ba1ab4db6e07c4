"""What psycopg2 keeps in `extensions`: constants, adapters and casters."""

from __future__ import annotations

from typing import Any

from psycopg2._adapt import (
    AsIs,
    Binary,
    ISQLQuote,
    QuotedString,
    SqlIn,
    adapt,
    register_adapter,
)
from psycopg2._connection import ConnectionInfo, connection
from psycopg2._cursor import Column, cursor
from psycopg2._exceptions import (
    Diagnostics,
    ProgrammingError,
    QueryCanceledError,
    TransactionRollbackError,
)
from psycopg2._typecast import (
    BINARY,
    BOOLEAN,
    DATE,
    DECIMAL,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    JSONB,
    LONGINTEGER,
    PYDATE,
    PYDATETIME,
    PYDATETIMETZ,
    PYINTERVAL,
    PYTIME,
    ROWID,
    TIME,
    UNICODE,
    new_array_type,
    new_type,
    register_type,
)
from psycopg2._typecast import registered as string_types

__all__ = [
    "BINARY",
    "BOOLEAN",
    "DATE",
    "DECIMAL",
    "FLOAT",
    "INTEGER",
    "INTERVAL",
    "JSON",
    "JSONB",
    "LONGINTEGER",
    "PYDATE",
    "PYDATETIME",
    "PYDATETIMETZ",
    "PYINTERVAL",
    "PYTIME",
    "ROWID",
    "TIME",
    "UNICODE",
    "AsIs",
    "Binary",
    "Column",
    "ConnectionInfo",
    "Diagnostics",
    "ISQLQuote",
    "QueryCanceledError",
    "QuotedString",
    "SQL_IN",
    "TransactionRollbackError",
    "adapt",
    "connection",
    "cursor",
    "encodings",
    "make_dsn",
    "new_array_type",
    "new_type",
    "parse_dsn",
    "quote_ident",
    "register_adapter",
    "register_type",
    "string_types",
]

ISOLATION_LEVEL_AUTOCOMMIT = 0
ISOLATION_LEVEL_READ_COMMITTED = 1
ISOLATION_LEVEL_REPEATABLE_READ = 2
ISOLATION_LEVEL_SERIALIZABLE = 3
ISOLATION_LEVEL_READ_UNCOMMITTED = 4
ISOLATION_LEVEL_DEFAULT = None

STATUS_SETUP = 0
STATUS_READY = 1
STATUS_BEGIN = STATUS_IN_TRANSACTION = 2
STATUS_PREPARED = 5

TRANSACTION_STATUS_IDLE = 0
TRANSACTION_STATUS_ACTIVE = 1
TRANSACTION_STATUS_INTRANS = 2
TRANSACTION_STATUS_INERROR = 3
TRANSACTION_STATUS_UNKNOWN = 4

POLL_OK, POLL_READ, POLL_WRITE, POLL_ERROR = 0, 1, 2, 3

UNICODEARRAY = new_array_type((1009, 1015), "UNICODEARRAY", UNICODE)

SQL_IN = SqlIn

encodings = {"UTF8": "utf_8", "UNICODE": "utf_8"}


def quote_ident(name: str, scope: Any = None) -> str:
    """Return a name in quotes."""
    if "\x00" in name:
        raise ProgrammingError("an identifier cannot contain NUL (0x00) characters")
    return '"' + name.replace('"', '""') + '"'


def make_dsn(dsn: str | None = None, **kwargs: Any) -> str:
    """Return an address of the given parts. In a cell, no address leads anywhere else."""
    parts = [f"{name}={value}" for name, value in kwargs.items() if value is not None]
    return " ".join([dsn, *parts] if dsn else parts)


def parse_dsn(dsn: str) -> dict[str, str]:
    """Return the parts of an address of the form `name=value name=value`."""
    return dict(part.split("=", 1) for part in dsn.split() if "=" in part)


def set_wait_callback(callback: Any) -> None:
    """Do nothing: statements are never left running."""


def get_wait_callback() -> None:
    """Return None: there is no such callback."""
