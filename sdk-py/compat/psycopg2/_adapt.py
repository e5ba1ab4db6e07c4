"""Python values as SQL literals, character for character as psycopg2 writes them.

`literal` is the fast way for known types; adapter objects exist for apps that
register their own or call `adapt` themselves.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from psycopg2._exceptions import ProgrammingError

Literal = Callable[[Any], str]


def quote_string(value: str) -> str:
    """Quotes text; with standard strings a backslash needs no escape."""
    if "\x00" in value:
        raise ValueError("A string literal cannot contain NUL (0x00) characters.")
    return "'" + value.replace("'", "''") + "'"


def _string(value: str) -> str:
    return quote_string(str.__str__(value))


def _bytes(value: Any) -> str:
    return f"'\\x{bytes(value).hex()}'::bytea"


def _boolean(value: Any) -> str:
    return "true" if value else "false"


def _signed(text: str) -> str:
    # The blank keeps `x -%s` from becoming a comment.
    return f" {text}" if text.startswith("-") else text


def _integer(value: int) -> str:
    return _signed(int.__repr__(value))


def _float(value: float) -> str:
    if math.isnan(value):
        return "'NaN'::float"
    if math.isinf(value):
        return "'Infinity'::float" if value > 0 else "'-Infinity'::float"
    return _signed(float.__repr__(value))


def _decimal(value: Decimal) -> str:
    return _signed(str(value)) if value.is_finite() else "'NaN'::numeric"


def _datetime(value: datetime.datetime) -> str:
    kind = "timestamp" if value.tzinfo is None else "timestamptz"
    return f"'{value.isoformat()}'::{kind}"


def _date(value: datetime.date) -> str:
    return f"'{value.isoformat()}'::date"


def _time(value: datetime.time) -> str:
    kind = "time" if value.tzinfo is None else "timetz"
    return f"'{value.isoformat()}'::{kind}"


def _interval(value: datetime.timedelta) -> str:
    return f"'{value.days} days {value.seconds}.{value.microseconds:06d} seconds'::interval"


def _tuple(value: Any) -> str:
    return f"({', '.join(literal(item) for item in value)})"


def _only_nulls(items: list[Any]) -> bool:
    return all(
        item is None or (isinstance(item, list) and item and _only_nulls(item)) for item in items
    )


def _null_array(items: list[Any]) -> str:
    inside = ",".join("NULL" if item is None else _null_array(item) for item in items)
    return f"{{{inside}}}"


def _list(value: list[Any]) -> str:
    # An ARRAY[] without any value has no type, so it is written as text.
    if _only_nulls(value):
        return f"'{_null_array(value)}'"
    items = ("ARRAY[]" if isinstance(item, list) and not item else literal(item) for item in value)
    return f"ARRAY[{','.join(items)}]"


LITERALS: dict[type, Literal] = {
    str: _string,
    int: _integer,
    bool: _boolean,
    float: _float,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    Decimal: _decimal,
    datetime.datetime: _datetime,
    datetime.date: _date,
    datetime.time: _time,
    datetime.timedelta: _interval,
    list: _list,
    tuple: _tuple,
    type(None): lambda value: "NULL",
}
"""How each type is written. Registered adapters are kept here too."""

_factories: dict[type, Callable[[Any], Any]] = {}


class ISQLQuote:
    """The protocol of adapters; an adapter's `getquoted` gives a literal as bytes."""

    def __init__(self, adapted: Any = None) -> None:
        self.adapted = adapted

    def getquoted(self) -> bytes:
        """Return the literal."""
        return literal(self.adapted).encode()

    def __conform__(self, protocol: Any) -> Any:
        return self if protocol is ISQLQuote else None

    def __str__(self) -> str:
        return self.getquoted().decode()


class AsIs(ISQLQuote):
    """Text that goes into a statement unquoted. Never give it what a user typed."""

    def getquoted(self) -> bytes:
        return str(self.adapted).encode()


class QuotedString(ISQLQuote):
    """Text in quotes."""

    encoding = "utf8"

    def prepare(self, conn: Any) -> None:
        """Do nothing: every connection uses UTF-8."""

    def getquoted(self) -> bytes:
        return quote_string(str(self.adapted)).encode()


class Binary(ISQLQuote):
    """Bytes for a `bytea`."""

    def prepare(self, conn: Any) -> None:
        """Do nothing: every connection writes bytes the same way."""

    def getquoted(self) -> bytes:
        return b"NULL" if self.adapted is None else _bytes(self.adapted).encode()


class _Prepared(ISQLQuote):
    """The adapter of a type that needs no class of its own."""


class SqlIn(_Prepared):
    """A sequence in parentheses, for `IN`."""

    def getquoted(self) -> bytes:
        return _tuple(self.adapted).encode()


def register_adapter(kind: type, adapter: Callable[[Any], Any]) -> None:
    """Let `adapter` write values of `kind`; it returns an object with `getquoted`."""
    _factories[kind] = adapter
    LITERALS[kind] = lambda value: _quoted(adapter(value))


def _quoted(adapter: Any) -> str:
    prepare = getattr(adapter, "prepare", None)
    if prepare is not None:
        prepare(None)
    quoted = adapter.getquoted()
    return quoted.decode() if isinstance(quoted, bytes) else str(quoted)


def _by_subclass(value: Any) -> Literal | None:
    for base in type(value).__mro__[1:]:
        if base in LITERALS:
            return LITERALS[base]
    return None


def literal(value: Any) -> str:
    """Returns the literal of a value. Raises `ProgrammingError` for an unknown type."""
    write = LITERALS.get(type(value))
    if write is not None:
        return write(value)
    if isinstance(value, ISQLQuote):
        return _quoted(value)
    # An app's own conversion counts before that of a base class.
    conform = getattr(value, "__conform__", None)
    if conform is not None:
        adapter = conform(ISQLQuote)
        if adapter is not None:
            return _quoted(adapter)
    write = _by_subclass(value)
    if write is None:
        raise ProgrammingError(f"can't adapt type '{type(value).__name__}'")
    return write(value)


def adapt(value: Any, *_: Any) -> Any:
    """Return the adapter of a value. Raises `ProgrammingError` for an unknown type."""
    if isinstance(value, ISQLQuote):
        return value
    for kind in type(value).__mro__:
        if kind in _factories:
            return _factories[kind](value)
    if isinstance(value, str):
        return QuotedString(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Binary(value)
    literal(value)
    return _Prepared(value)
