"""Statements composed of parts, so that names from outside cannot become SQL."""

from __future__ import annotations

import string
from collections.abc import Iterator
from typing import Any

from psycopg2 import _adapt
from psycopg2.extensions import quote_ident

_formatter = string.Formatter()


class Composable:
    """The base of everything that `execute` takes besides text."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def as_string(self, context: Any) -> str:
        """Return the SQL text. `context` is a connection or a cursor."""
        raise NotImplementedError

    def __add__(self, other: Any) -> Composed:
        if isinstance(other, Composed):
            return Composed([self]) + other
        if isinstance(other, Composable):
            return Composed([self]) + Composed([other])
        return NotImplemented

    def __mul__(self, count: int) -> Composed:
        return Composed([self] * count)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._wrapped == getattr(other, "_wrapped", None)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._wrapped!r})"


class Composed(Composable):
    """A sequence of parts."""

    def __init__(self, seq: Any) -> None:
        parts = list(seq)
        for part in parts:
            if not isinstance(part, Composable):
                raise TypeError(f"Composed elements must be Composable, got {part!r} instead")
        super().__init__(parts)

    @property
    def seq(self) -> list[Composable]:
        """The parts."""
        return list(self._wrapped)

    def as_string(self, context: Any) -> str:
        """Return the SQL text of all parts."""
        return "".join(part.as_string(context) for part in self._wrapped)

    def __iter__(self) -> Iterator[Composable]:
        return iter(self._wrapped)

    def __add__(self, other: Any) -> Composed:
        if isinstance(other, Composed):
            return Composed(self._wrapped + other._wrapped)
        if isinstance(other, Composable):
            return Composed([*self._wrapped, other])
        return NotImplemented

    def join(self, joiner: Any) -> Composed:
        """Return the parts with `joiner` (text or `SQL`) between them."""
        if isinstance(joiner, str):
            joiner = SQL(joiner)
        elif not isinstance(joiner, SQL):
            raise TypeError("Composed.join() argument must be a string or an SQL")
        joined: Composed = joiner.join(self)
        return joined


class SQL(Composable):
    """SQL text as it is. Never give it what a user typed."""

    def __init__(self, string: str) -> None:
        if not isinstance(string, str):
            raise TypeError("SQL values must be strings")
        super().__init__(string)

    @property
    def string(self) -> str:
        """The text."""
        text: str = self._wrapped
        return text

    def as_string(self, context: Any) -> str:
        """Return the text."""
        return self.string

    def format(self, *args: Any, **kwargs: Any) -> Composed:
        """Return the text with `{}`, `{0}` and `{name}` replaced by parts."""
        parts: list[Composable] = []
        automatic: int | None = 0
        for before, name, spec, conversion in _formatter.parse(self.string):
            if spec:
                raise ValueError("no format specification supported by SQL")
            if conversion:
                raise ValueError("no format conversion supported by SQL")
            if before:
                parts.append(SQL(before))
            if name is None:
                continue
            if name.isdigit():
                if automatic:
                    raise ValueError("cannot switch from automatic field numbering to manual")
                automatic = None
                parts.append(args[int(name)])
            elif not name:
                if automatic is None:
                    raise ValueError("cannot switch from manual field numbering to automatic")
                parts.append(args[automatic])
                automatic += 1
            else:
                parts.append(kwargs[name])
        return Composed(parts)

    def join(self, seq: Any) -> Composed:
        """Return the parts of `seq` with this text between them."""
        parts: list[Any] = []
        for part in seq:
            if parts:
                parts.append(self)
            parts.append(part)
        return Composed(parts)


class Identifier(Composable):
    """A name in quotes; several make a dotted one: `Identifier("schema", "table")`."""

    def __init__(self, *strings: str) -> None:
        if not strings:
            raise TypeError("Identifier cannot be empty")
        for name in strings:
            if not isinstance(name, str):
                raise TypeError("SQL identifier parts must be strings")
        super().__init__(strings)

    @property
    def strings(self) -> tuple[str, ...]:
        """The parts of the name."""
        parts: tuple[str, ...] = self._wrapped
        return parts

    @property
    def string(self) -> str:
        """The name, if it has one part only."""
        if len(self._wrapped) != 1:
            raise AttributeError("the Identifier wraps more than one than one string")
        name: str = self._wrapped[0]
        return name

    def as_string(self, context: Any) -> str:
        """Return the quoted name."""
        return ".".join(quote_ident(name, context) for name in self._wrapped)

    def __repr__(self) -> str:
        return f"Identifier({', '.join(map(repr, self._wrapped))})"


class Literal(Composable):
    """A value as a literal."""

    @property
    def wrapped(self) -> Any:
        """The value."""
        return self._wrapped

    def as_string(self, context: Any) -> str:
        """Return the literal."""
        return _adapt.literal(self._wrapped)


class Placeholder(Composable):
    """A `%s`, or `%(name)s`, to be filled by `execute`."""

    def __init__(self, name: str | None = None) -> None:
        if name is not None:
            if not isinstance(name, str):
                raise TypeError(f"expected string or None as name, got {name!r}")
            if ")" in name:
                raise ValueError(f"invalid name: {name!r}")
        super().__init__(name)

    @property
    def name(self) -> str | None:
        """The name, or None."""
        name: str | None = self._wrapped
        return name

    def as_string(self, context: Any) -> str:
        """Return the placeholder."""
        return "%s" if self._wrapped is None else f"%({self._wrapped})s"

    def __repr__(self) -> str:
        return f"Placeholder({'' if self._wrapped is None else repr(self._wrapped)})"


NULL = SQL("NULL")
DEFAULT = SQL("DEFAULT")

__all__ = [
    "DEFAULT",
    "NULL",
    "SQL",
    "Composable",
    "Composed",
    "Identifier",
    "Literal",
    "Placeholder",
]
