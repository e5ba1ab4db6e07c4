"""Cursors whose rows are dictionaries, lists with names, or named tuples."""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from psycopg2._cursor import cursor


class DictRow(list[Any]):
    """A row by position and by column name."""

    __slots__ = ("_index",)

    def __init__(self, index: dict[str, int], values: tuple[Any, ...] = ()) -> None:
        super().__init__(values)
        self._index = index

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, (int, slice)):
            return super().__getitem__(key)
        return super().__getitem__(self._index[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if not isinstance(key, (int, slice)):
            key = self._index[key]
        super().__setitem__(key, value)

    def __contains__(self, key: Any) -> bool:
        return key in self._index

    def keys(self) -> Iterator[str]:
        """Return the column names."""
        return iter(self._index)

    def values(self) -> Iterator[Any]:
        """Return the values."""
        return iter(self)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Return pairs of name and value."""
        return ((name, self[position]) for name, position in self._index.items())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a column, or `default`."""
        return self[name] if name in self._index else default

    def copy(self) -> dict[str, Any]:  # type: ignore[override]
        """Return the row as a dictionary."""
        return dict(self.items())


class RealDictRow(dict[str, Any]):
    """A row as a dictionary by column name."""


class _NamedRows(cursor):
    """Knows the positions of column names, once for each result."""

    def _keep(self, outcome: Any) -> None:
        super()._keep(outcome)
        self._names = [column.name for column in self._columns or ()]
        self.index = {name: position for position, name in enumerate(self._names)}


class DictCursor(_NamedRows):
    """Rows are `DictRow`."""

    def _made(self, row: tuple[Any, ...]) -> Any:
        return DictRow(self.index, row)


class RealDictCursor(_NamedRows):
    """Rows are `RealDictRow`."""

    def _made(self, row: tuple[Any, ...]) -> Any:
        return RealDictRow(zip(self._names, row, strict=True))


@lru_cache(maxsize=512)
def _record(names: tuple[str, ...]) -> Any:
    fields = []
    for name in names:
        field = re.sub(r"\W", "_", name)
        fields.append(f"f{field}" if not field or field[0] in "_0123456789" else field)
    return namedtuple("Record", fields, rename=True)  # noqa: PYI024


class NamedTupleCursor(_NamedRows):
    """Rows are named tuples called `Record`."""

    def _made(self, row: tuple[Any, ...]) -> Any:
        return _record(tuple(self._names))._make(row)


class LoggingCursor(cursor):
    """Logs each statement through the connection's `log`."""

    def execute(self, query: Any, vars: Any = None) -> None:
        """Run the statement and log it."""
        try:
            super().execute(query, vars)
        finally:
            log = getattr(self.connection, "log", None)
            if log is not None:
                log(self.query, self)
