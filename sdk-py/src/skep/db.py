"""SQL with `$1` parameters on the app's own tables.

One statement a call. Values come back as Python objects: `numeric` as Decimal,
`jsonb` as parsed JSON, `timestamptz` as an aware datetime, `bytea` as memoryview,
arrays as lists, `uuid`, `inet` and enums as str. A column of a type that the host cannot
read, such as a range, raises `InvalidStatement`: cast it to text in the statement.

Statements raise `SqlError`, `InvalidStatement`, `OverLimit`, `TimedOut` or
`HostUnavailable` of `skep.errors`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from skep import _host, _phase, _values
from skep.errors import ResultNotReady


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave.

    `affected` counts the rows returned, or changed where none are returned.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    affected: int

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class _NoResult:
    """Stands for a result at build time, where none can be had."""

    def __getattr__(self, name: str) -> Any:
        _phase.mark_result_read()
        raise ResultNotReady("results cannot be read while the app is being built")


def _result(outcome: Any) -> Result:
    if outcome is _host.PRETEND:
        pretended: Any = _NoResult()
        result: Result = pretended
        return result
    casters = [_values.caster(column.type_name) for column in outcome.columns]
    rows = []
    for row in outcome.rows:
        values = []
        for cast, cell in zip(casters, row, strict=True):
            value = getattr(cell, "value", None)
            values.append(value if value is None or cast is None else cast(value))
        rows.append(tuple(values))
    return Result(tuple(column.name for column in outcome.columns), rows, outcome.affected)


def execute(sql: str, params: Sequence[Any] = ()) -> Result:
    """Run one statement in a transaction of its own and return its result."""
    return _result(_host.host.execute(sql, [_values.parameter(value) for value in params]))


class Connection:
    """A session with transactions, for several statements that belong together.

    A transaction begins with the first statement. `with` commits at its end, or
    rolls back on an exception, and closes. What is not committed when the call
    ends is rolled back.
    """

    def __init__(self) -> None:
        self._session: _host.Session | None = _host.host.open_session()

    def _open(self) -> _host.Session:
        if self._session is None:
            raise ValueError("the connection is closed")
        return self._session

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Result:
        """Run one statement in the current transaction and return its result."""
        return _result(self._open().execute(sql, [_values.parameter(value) for value in params]))

    def session_in_transaction(self) -> _host.Session | None:
        """Return the session, for what the host does in its transaction."""
        return self._open()

    def commit(self) -> None:
        """Keep what the current transaction did."""
        self._open().commit()

    def rollback(self) -> None:
        """Undo what the current transaction did."""
        self._open().rollback()

    def close(self) -> None:
        """End the session; what is not committed is rolled back."""
        if self._session is not None:
            session, self._session = self._session, None
            session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.commit()
            else:
                self.rollback()
        finally:
            self.close()
