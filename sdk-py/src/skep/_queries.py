"""The statements that a manifest names, and `query`, which runs one of them.

The host has read each of them when the app was deployed, and reads it again as it comes.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from skep import _host, _identity, _values
from skep.errors import (
    HostUnavailable,
    InvalidStatement,
    OverLimit,
    QueryError,
    SkepError,
    SqlError,
    TimedOut,
)

# A number of more digits is not the same any more once a browser has read it.
_DIGITS = 15

# Classes of SQLSTATE that tell of the values, and not of the statement: 22 is data that does
# not fit its type, 23 a constraint.
_OF_VALUES = ("22", "23")


@dataclass(frozen=True)
class Statement:
    """One statement. `params` are the names of `$1`, `$2` and so on; None if it lists none."""

    sql: str
    params: tuple[str, ...] | None


statements: dict[str, Statement] = {}
"""The statements of the app that was built, by name."""


def read(manifest: bytes | None) -> dict[str, Statement]:
    """Reads a `manifest.json`. What does not fit is left out: the host tells the author of it."""
    try:
        fields = json.loads(manifest or b"{}")
    except ValueError:
        return {}
    actions = fields.get("actions") if isinstance(fields, dict) else None
    found = {}
    for action in actions if isinstance(actions, list) else []:
        if isinstance(action, dict) and isinstance(action.get("sql"), str):
            found[action.get("name")] = Statement(action["sql"], _names(action.get("params")))
    return {name: statement for name, statement in found.items() if isinstance(name, str)}


def _names(params: Any) -> tuple[str, ...] | None:
    if not isinstance(params, list):
        return None
    return tuple(str(param.get("name")) for param in params if isinstance(param, dict))


def use(found: dict[str, Statement]) -> None:
    """Makes these the statements that `query` knows."""
    statements.clear()
    statements.update(found)


Send = Callable[[str, list[Any]], list[dict[str, Any]]]


def run(name: str, params: Any, send: Send) -> list[dict[str, Any]]:
    """Runs the statement `name` by `send` and returns its rows. Raises `QueryError`.

    A mapping gives values by name: one that is missing is NULL, one that is not known is left
    out. A list or tuple gives them in their order; None gives none; anything else is the value
    of `$1`.
    """
    statement = statements.get(name) if isinstance(name, str) else None
    if statement is None:
        raise QueryError(str(name), 404, f"the manifest's `actions` have no statement `{name}`")
    try:
        return send(statement.sql, _in_order(name, statement, params))
    except QueryError:
        raise
    except (SkepError, TypeError, UnicodeEncodeError) as error:
        if isinstance(error, TimedOut):
            raise QueryError(name, 504, f"query '{name}' timed out") from error
        raise QueryError(name, _status(error), str(error)) from error


def _in_order(name: str, statement: Statement, params: Any) -> list[Any]:
    if params is None:
        return [None] * len(statement.params or ())
    if isinstance(params, Mapping):
        if statement.params is None:
            app = _identity.app_name
            raise QueryError(
                name,
                400,
                f"query '{name}' has no parameter schema in manifest.json for app '{app}'",
            )
        return [params.get(param) for param in statement.params]
    return list(params) if isinstance(params, (list, tuple)) else [params]


def _status(error: Exception) -> int:
    if isinstance(error, SqlError):
        return 400 if error.sqlstate[:2] in _OF_VALUES else 500
    if isinstance(error, HostUnavailable):
        return 503
    return 400 if isinstance(error, (InvalidStatement, OverLimit, TypeError, ValueError)) else 500


def query(name: str, params: Any = None) -> list[dict[str, Any]]:
    """Runs a statement of the manifest in a transaction of its own and returns its rows."""
    return run(name, params, _send)


async def query_later(name: str, params: Any = None) -> list[dict[str, Any]]:
    """The same for a coroutine, which awaits it."""
    return query(name, params)


Query = Callable[..., list[dict[str, Any]] | Awaitable[list[dict[str, Any]]]]


def _send(sql: str, params: Sequence[Any]) -> list[dict[str, Any]]:
    outcome = _host.host.execute(sql, [_values.parameter(_value(value)) for value in params])
    casters = [_values.caster(column.type_name, READABLE) for column in outcome.columns]
    names = [column.name for column in outcome.columns]
    rows = []
    for row in outcome.rows:
        values = []
        for cast, cell in zip(casters, row, strict=True):
            value = getattr(cell, "value", None)
            values.append(value if value is None or cast is None else cast(value))
        rows.append(dict(zip(names, values, strict=True)))
    return rows


def _value(value: Any) -> Any:
    # What came as JSON `3.0` is as good a whole number as `3`.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def number(text: str) -> int | float | str:
    """Reads a `numeric`; one that a browser could not keep exactly stays text."""
    if text in ("NaN", "Infinity", "-Infinity"):
        return text
    if len(text.replace(".", "").lstrip("-0")) > _DIGITS:
        return text
    return float(text) if "." in text else int(text)


def _moment(text: str) -> str:
    """Writes `2026-03-01 12:30:00+00` as `2026-03-01T12:30:00Z`, which browsers read."""
    if text.endswith(("infinity", " BC")):
        return text
    date, _, time = text.partition(" ")
    return f"{date}T{time[:-3]}Z" if time.endswith("+00") else f"{date}T{time}"


def _hexadecimal(value: Any) -> str:
    return value if isinstance(value, str) else f"\\x{bytes(value).hex()}"


# Everything else is as it comes: text, numbers, true and false.
READABLE: dict[str, _values.Caster] = {
    "numeric": number,
    "json": json.loads,
    "jsonb": json.loads,
    "timestamptz": _moment,
    "timestamp": _moment,
    "bytea": _hexadecimal,
    "float4": _values.to_float4,
}
