"""Cursors: statements in, rows out. A named one is kept by the server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self

from psycopg2 import _adapt, _mogrify, _split, _typecast
from psycopg2._connection import NoResult, connection
from psycopg2._exceptions import (
    InterfaceError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from skep import _host, _phase

_payload = attrgetter("value")

# Statements that report how many rows they touched.
_COUNTING = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "FETCH", "MOVE", "WITH", "VALUES", "TABLE"}
)


class Column(NamedTuple):
    """One column of a result; index 0 is its name."""

    name: str
    type_code: int
    display_size: int | None = None
    internal_size: int | None = None
    precision: int | None = None
    scale: int | None = None
    null_ok: bool | None = None
    table_oid: int | None = None
    table_column: int | None = None


class DeferredToCall(OperationalError):
    """Module-level code read a result while the app was being built."""


class cursor:  # noqa: N801
    """Runs statements and holds the rows of the last one."""

    def __init__(
        self,
        conn: connection,
        name: str | None = None,
        scrollable: bool | None = None,
        withhold: bool = False,
    ) -> None:
        self.connection = conn
        self.name = name
        self.scrollable = scrollable
        self.withhold = withhold
        self.closed = False
        self.arraysize = 1
        self.itersize = 2000
        self.lastrowid = 0
        self.string_types: dict[int, Any] = {}
        self.row_factory: Callable[[Any], Any] | None = None
        self.tzinfo_factory: Any = None
        self._query: str | None = None
        self._keyword = ""
        self._last_statement = ""
        self._declared = False
        self._clear()

    def _clear(self) -> None:
        self._rows: list[Any] | None = None
        self._position = 0
        self._outcome: Any = NoResult
        self._statement_was_run = False
        self._pretended = False
        # The sum over the statements of `executemany`.
        self._many: int | None = None
        self._columns: tuple[Column, ...] | None = None

    # Statements

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run `query` with its `%s` or `%(name)s` replaced by literals of `vars`.

        Several statements in one text are run in turn; the rows are the last one's.
        """
        text = self._merged(query, vars)
        self._query = text
        if self.name is None:
            self._run(text)
        else:
            self._declare(text)

    def executemany(self, query: Any, vars_list: Any) -> None:
        """Run `query` once for each item of `vars_list`; no rows are kept."""
        count = 0
        for arguments in vars_list:
            self.execute(query, arguments)
            if not self._pretended:
                count += max(self.rowcount, 0)
        if not self._pretended:
            self._rows = None
            self._many = count

    def callproc(self, procname: str, parameters: Any = None) -> Any:
        """Run `SELECT * FROM procname(...)`; a mapping gives arguments by name."""
        given: dict[str, Any] | Sequence[Any] = {} if parameters is None else parameters
        if isinstance(given, dict):
            names = [f'"{str(name).replace(chr(34), chr(34) * 2)}" := %s' for name in given]
            values = list(given.values())
        else:
            names, values = ["%s"] * len(given), list(given)
        self.execute(f"SELECT * FROM {procname}({', '.join(names)})", values)
        return parameters

    def mogrify(self, query: Any, vars: Any = None) -> bytes:
        """Return the statement that `execute` would run."""
        return self._merged(query, vars).encode()

    def _merged(self, query: Any, arguments: Any) -> str:
        self._check_open()
        if isinstance(query, bytes):
            query = query.decode()
        elif not isinstance(query, str):
            as_string = getattr(query, "as_string", None)
            if as_string is None:
                raise TypeError("argument 1 must be a string or unicode object")
            query = as_string(self)
        if not query:
            raise ProgrammingError("can't execute an empty query")
        return _mogrify.merge(query, arguments, _adapt.literal)

    def _run(self, text: str) -> None:
        self._clear()
        outcome = self.connection.run(text, self)
        self._keep(outcome)

    def _keep(self, outcome: Any) -> None:
        self._position = 0
        self._statement_was_run = True
        self._outcome = outcome
        if outcome is _host.PRETEND:
            self._pretended = True
            self._rows = None
            return
        columns = outcome.columns
        if not columns:
            self._rows = None
            return
        self._columns = tuple(
            Column(column.name, _typecast.oid(column.type_name)) for column in columns
        )
        self._rows = _decoded(
            outcome.rows, [_typecast.reader(column.type_name, self) for column in columns]
        )

    def _has_own_types(self) -> bool:
        return bool(self.string_types or self.connection.string_types)

    def _type_caster(self, number: int) -> Any:
        for scope in (self.string_types, self.connection.string_types, _typecast.registered):
            if number in scope:
                return scope[number]
        return None

    # Results

    @property
    def description(self) -> tuple[Column, ...] | None:
        """The columns of the result; None where the statement returns no rows."""
        self._check_readable()
        return self._columns

    @property
    def rowcount(self) -> int:
        """How many rows were returned or changed; -1 where that means nothing."""
        self._check_readable()
        if self._many is not None:
            return self._many
        if not self._statement_was_run or (self._keyword not in _COUNTING and not self._columns):
            return -1
        if self._rows is not None:
            # PostgreSQL counts no rows of SHOW and EXPLAIN.
            return len(self._rows)
        affected: int = self._outcome.affected
        return affected

    @property
    def rownumber(self) -> int:
        """How many rows of the result were fetched."""
        return self._position

    @property
    def query(self) -> bytes | None:
        """The last statement as it was run."""
        return None if self._query is None else self._query.encode()

    @property
    def statusmessage(self) -> str | None:
        """What PostgreSQL says about the last statement, as near as a cell knows."""
        if not self._statement_was_run:
            return None
        if self._pretended or self._keyword not in _COUNTING:
            return _split.command(self._last_statement)
        word = "SELECT" if self._keyword in ("WITH", "VALUES", "TABLE") else self._keyword
        count = self._outcome.affected
        return f"INSERT 0 {count}" if word == "INSERT" else f"{word} {count}"

    @property
    def scrollable_or_default(self) -> str:
        """The word of `DECLARE` for whether one may go back."""
        return {None: "", True: "SCROLL ", False: "NO SCROLL "}[self.scrollable]

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        if self.name is not None:
            self._fetch("1")
        rows = self._readable_rows()
        if self._position >= len(rows):
            return None
        row = rows[self._position]
        self._position += 1
        return self._made(row)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return the next `size` rows (default: `arraysize`)."""
        count = self.arraysize if size is None else size
        if self.name is not None:
            self._fetch(str(count))
        rows = self._readable_rows()
        part = rows[self._position : self._position + count]
        self._position += len(part)
        return [self._made(row) for row in part]

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if self.name is not None:
            self._fetch("ALL")
        rows = self._readable_rows()
        part = rows[self._position :] if self._position else rows
        self._position = len(rows)
        if type(self)._made is cursor._made and self.row_factory is None:
            return list(part)
        return [self._made(row) for row in part]

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self.name is not None and (self._rows is None or self._position >= len(self._rows)):
            self._fetch(str(self.itersize))
        rows = self._readable_rows()
        if self._position >= len(rows):
            raise StopIteration
        row = rows[self._position]
        self._position += 1
        return self._made(row)

    def scroll(self, value: int, mode: str = "relative") -> None:
        """Move to another row. Raises `IndexError` outside the result."""
        if mode not in ("relative", "absolute"):
            raise ProgrammingError("scroll mode must be 'relative' or 'absolute'")
        if self.name is not None:
            how = "ABSOLUTE" if mode == "absolute" else "FORWARD"
            self._run(f"MOVE {how} {value} FROM {self._quoted_name()}")
            return
        rows = self._readable_rows()
        target = value if mode == "absolute" else self._position + value
        if not 0 <= target < len(rows):
            raise IndexError("scroll destination out of bounds")
        self._position = target

    def _made(self, row: tuple[Any, ...]) -> Any:
        """Makes what the app gets of a row; cursors of `extras` override it."""
        if self.row_factory is None:
            return row
        made = self.row_factory(self)
        for index, value in enumerate(row):
            made[index] = value
        return made

    def _readable_rows(self) -> list[Any]:
        self._check_readable()
        if self._rows is None:
            raise ProgrammingError("no results to fetch")
        return self._rows

    def _check_readable(self) -> None:
        if self._pretended:
            _phase.mark_result_read()
            raise DeferredToCall("results cannot be read while the app is being built")
        self._check_open()

    def _check_open(self) -> None:
        if self.closed:
            raise InterfaceError("cursor already closed")
        if self.connection.closed:
            raise InterfaceError("connection already closed")

    # Named cursors

    def _quoted_name(self) -> str:
        return '"' + str(self.name).replace('"', '""') + '"'

    def _declare(self, text: str) -> None:
        if self._declared:
            raise ProgrammingError("can't call .execute() on named cursors more than once")
        if self.connection.autocommit and not self.withhold:
            raise ProgrammingError("can't use a named cursor outside of transactions")
        hold = "WITH HOLD" if self.withhold else "WITHOUT HOLD"
        self._run(
            f"DECLARE {self._quoted_name()} {self.scrollable_or_default}CURSOR {hold} FOR {text}"
        )
        self._declared = True

    def _fetch(self, count: str) -> None:
        self._check_readable()
        if not self._declared:
            raise ProgrammingError("no results to fetch")
        keep = self._pretended
        self._run(f"FETCH FORWARD {count} FROM {self._quoted_name()}")
        self._pretended = self._pretended or keep

    def close(self) -> None:
        """Forget the rows; a named cursor is closed on the server too."""
        if self.closed:
            return
        if self._declared and not self.connection.closed and not self._pretended:
            self._close_on_server()
        self.closed = True
        self._rows = None

    def _close_on_server(self) -> None:
        status = self.connection.get_transaction_status()
        # A transaction's end closed it already, unless it is held.
        if status == 2 or (status == 0 and self.withhold):
            self.connection.run(f"CLOSE {self._quoted_name()}", self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # The rest of the DB-API

    def setinputsizes(self, sizes: Any) -> None:
        """Do nothing, as psycopg2."""

    def setoutputsize(self, size: Any, column: Any = None) -> None:
        """Do nothing, as psycopg2."""

    def nextset(self) -> NoReturn:
        """Raise: PostgreSQL has no several results."""
        raise NotSupportedError("not supported by PostgreSQL")

    def cast(self, oid: int, value: Any) -> Any:
        """Read `value` as the type `oid`."""
        caster = self._type_caster(oid)
        return value if caster is None else caster(value, self)

    def copy_from(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: COPY needs a stream that a cell does not have."""
        raise NotSupportedError("COPY is not available; use psycopg2.extras.execute_values")

    copy_expert = copy_from

    def copy_to(self, *_: Any, **__: Any) -> NoReturn:
        """Raise: COPY needs a stream that a cell does not have."""
        raise NotSupportedError("COPY is not available; use SELECT and the csv module")


def _decoded(rows: list[Any], readers: list[Any]) -> list[tuple[Any, ...]]:
    plain = not any(readers)
    decoded = []
    for row in rows:
        try:
            values = list(map(_payload, row))
        except AttributeError:
            # NULL is a case without content.
            values = [getattr(cell, "value", None) for cell in row]
        if not plain:
            values = [
                value if value is None or read is None else read(value)
                for value, read in zip(values, readers, strict=True)
            ]
        decoded.append(tuple(values))
    return decoded
