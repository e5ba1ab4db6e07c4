"""Puts literals into a statement's `%s` and `%(name)s`, as psycopg2 does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psycopg2._exceptions import ProgrammingError


def _name_end(sql: str, start: int) -> int:
    """Returns the index of the parenthesis that closes a placeholder's name."""
    end = sql.find(")", start)
    if end < 0 or "%" in sql[start:end]:
        raise ProgrammingError("incomplete placeholder: '%(' without ')'")
    return end


def _is_mapping(arguments: Any) -> bool:
    return hasattr(arguments, "keys") or (
        hasattr(arguments, "__getitem__") and not isinstance(arguments, (tuple, list, str, bytes))
    )


def merge(sql: str, arguments: Any, literal: Callable[[Any], str]) -> str:
    """Returns `sql` with its placeholders replaced by literals of `arguments`.

    Raises `ProgrammingError`, `TypeError`, `IndexError`, `KeyError` or `ValueError`,
    whichever psycopg2 raises.
    """
    if arguments is None or "%" not in sql:
        return sql
    parts: list[str] = []
    position = used = 0
    named = positional = False
    while (found := sql.find("%", position)) >= 0:
        parts.append(sql[position:found])
        kind = sql[found + 1 : found + 2]
        if kind == "%":
            parts.append("%")
            position = found + 2
            continue
        if kind == "(":
            if positional:
                raise ProgrammingError("argument formats can't be mixed")
            named = True
            end = _name_end(sql, found + 2)
            value = _item(arguments, sql[found + 2 : end])
            conversion = end + 1
        else:
            if named:
                raise ProgrammingError("argument formats can't be mixed")
            positional = True
            conversion = found + 1
            value = _next(arguments, used)
            used += 1
        if conversion >= len(sql):
            raise ValueError("incomplete format")
        if sql[conversion] != "s":
            letter = sql[conversion]
            raise ValueError(
                f"unsupported format character '{letter}' (0x{ord(letter):x}) at index {conversion}"
            )
        parts.append(literal(value))
        position = conversion + 1
    parts.append(sql[position:])
    if positional and used < len(arguments):
        raise TypeError("not all arguments converted during string formatting")
    return "".join(parts)


def _next(arguments: Any, index: int) -> Any:
    if hasattr(arguments, "keys"):
        raise TypeError(f"{type(arguments).__name__} is not a sequence")
    if not hasattr(arguments, "__getitem__"):
        raise TypeError(f"'{type(arguments).__name__}' object does not support indexing")
    return arguments[index]


def _item(arguments: Any, name: str) -> Any:
    if not _is_mapping(arguments):
        raise TypeError(f"{type(arguments).__name__} indices must be integers or slices, not str")
    return arguments[name]
