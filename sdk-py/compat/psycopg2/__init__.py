"""psycopg2 for apps in a cell of Skep: the same names over the host's `db` interface.

It is on the path of a cell only. Elsewhere, apps use the real psycopg2.
"""

from __future__ import annotations

import datetime
from typing import Any

from psycopg2._adapt import Binary
from psycopg2._connection import connection, end_call
from psycopg2._exceptions import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    Warning,
)
from psycopg2._typecast import (
    BINARY,
    DATETIME,
    NUMBER,
    ROWID,
    STRING,
    date_from_ticks,
    time_from_ticks,
    timestamp_from_ticks,
)

__version__ = "2.9.10 (skep)"
__libpq_version__ = 150000
apilevel = "2.0"
threadsafety = 2
paramstyle = "pyformat"

Date = datetime.date
Time = datetime.time
Timestamp = datetime.datetime
DateFromTicks = date_from_ticks
TimeFromTicks = time_from_ticks
TimestampFromTicks = timestamp_from_ticks

__all__ = [
    "BINARY",
    "DATETIME",
    "NUMBER",
    "ROWID",
    "STRING",
    "Binary",
    "DataError",
    "DatabaseError",
    "Date",
    "DateFromTicks",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Time",
    "TimeFromTicks",
    "Timestamp",
    "TimestampFromTicks",
    "Warning",
    "apilevel",
    "connect",
    "connection_for_call",
    "end_call",
    "paramstyle",
    "threadsafety",
]


def connect(
    dsn: str | None = None,
    connection_factory: Any = None,
    cursor_factory: Any = None,
    **kwargs: Any,
) -> Any:
    """Return a new connection to the app's tables, whatever the address says."""
    factory = connection_factory or connection
    return factory(dsn, cursor_factory=cursor_factory)


def connection_for_call() -> connection:
    """Returns the connection that `execute` gets as `conn`."""
    return connection()
