"""The app's tables, by psycopg2."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from nousviz_sdk import _broker_client
from nousviz_sdk._errors import CredentialBrokerUnavailable
from nousviz_sdk.credentials import DATABASE
from skep import _phase


@contextmanager
def get_pg_conn() -> Iterator[Any]:
    """Yield a new connection: committed at the end, rolled back on an exception, then closed.

    Outside a cell it leads to the database of `use_test_credentials`, or to the one that
    DATABASE_URL names. Raises `CredentialBrokerUnavailable` where there is neither.
    """
    conn = _connect()
    try:
        yield conn
        conn.commit()
    except BaseException:
        # Who closed it has undone it, and the exception is not to be lost.
        if not conn.closed:
            conn.rollback()
        raise
    finally:
        conn.close()


def _connect() -> Any:
    import psycopg2

    if _broker_client.is_registered():
        login = _broker_client.get_cached().get(DATABASE) or {}
        if not login.get("password"):
            raise CredentialBrokerUnavailable(
                f"the test's credentials have no `{DATABASE}` with a password: see"
                " nousviz_sdk.testing.fake_db_credentials"
            )
        return psycopg2.connect(
            host=os.environ.get("POSTGRES_HOST", "localhost"),
            port=int(os.environ.get("POSTGRES_PORT", "5432")),
            dbname=os.environ.get("POSTGRES_DB", "nousviz"),
            user=login.get("user"),
            password=login["password"],
        )
    if _phase.current is not _phase.Phase.OUTSIDE:
        return psycopg2.connect()
    if address := os.environ.get("DATABASE_URL"):
        return psycopg2.connect(address)
    raise CredentialBrokerUnavailable(
        "there is no cell of Skep around this: in tests set DATABASE_URL, or use"
        " nousviz_sdk.testing.use_test_credentials"
    )


def dict_cursor(conn: Any) -> DictCursor:
    """Return a cursor whose rows are dictionaries."""
    return DictCursor(conn.cursor())


class DictCursor:
    """A cursor whose rows are dictionaries by column name. Of equal names the last one counts."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, query: Any, params: Any = None) -> Self:
        """Run a statement, and return this cursor."""
        self._cursor.execute(query, params)
        return self

    def executemany(self, query: Any, seq: Sequence[Any]) -> Self:
        """Run a statement once for each item, and return this cursor."""
        self._cursor.executemany(query, seq)
        return self

    def fetchone(self) -> dict[str, Any] | None:
        """Return the next row, or None."""
        row = self._cursor.fetchone()
        return None if row is None else self._named(row)

    def fetchmany(self, size: int | None = None) -> list[dict[str, Any]]:
        """Return the next rows: `size` of them, or the cursor's `arraysize`."""
        rows = self._cursor.fetchmany() if size is None else self._cursor.fetchmany(size)
        return [self._named(row) for row in rows]

    def fetchall(self) -> list[dict[str, Any]]:
        """Return all rows that are left."""
        return [self._named(row) for row in self._cursor.fetchall()]

    def close(self) -> None:
        """Close the cursor."""
        self._cursor.close()

    @property
    def rowcount(self) -> int:
        """How many rows the statement returned or changed."""
        count: int = self._cursor.rowcount
        return count

    @property
    def description(self) -> Any:
        """The columns, as psycopg2 describes them."""
        return self._cursor.description

    def _named(self, row: Sequence[Any]) -> dict[str, Any]:
        names = (column[0] for column in self._cursor.description)
        return dict(zip(names, row, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
