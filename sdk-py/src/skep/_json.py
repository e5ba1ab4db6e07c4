"""Results of an app as JSON text that every browser can read."""

from __future__ import annotations

import json
import math
from typing import Any

_encode = json.JSONEncoder(allow_nan=False).encode

_SCALARS = (str, int, float, bool, type(None))


class NotSerializable(Exception):
    """A result cannot be JSON. The text names the type and where it is."""


def dumps(value: Any) -> str:
    """Encodes a result: non-ASCII escaped, keys as text, NaN and infinity as null.

    Raises `NotSerializable`.
    """
    try:
        return _encode(value)
    except ValueError:
        try:
            return _encode(_without_nan(value, 0))
        except (TypeError, ValueError, RecursionError):
            raise NotSerializable(_culprit(value)) from None
    except (TypeError, RecursionError):
        raise NotSerializable(_culprit(value)) from None


def _without_nan(value: Any, depth: int) -> Any:
    if depth > 500:
        raise RecursionError
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {
            (str(key) if isinstance(key, float) else key): _without_nan(item, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_without_nan(item, depth + 1) for item in value]
    return value


def _culprit(value: Any) -> str:
    """Names the first part of `value` that JSON cannot hold, by path."""
    waiting: list[tuple[str, Any, tuple[int, ...]]] = [("result", value, ())]
    while waiting:
        path, part, above = waiting.pop()
        if id(part) in above:
            return f"{path} contains itself"
        if len(above) > 500:
            return f"{path[:200]}... is nested too deeply"
        inside = (*above, id(part))
        if isinstance(part, dict):
            for key in part:
                if not isinstance(key, _SCALARS):
                    return f"{path} has a key of type {type(key).__name__}"
            waiting.extend((f"{path}[{key!r}]", item, inside) for key, item in part.items())
        elif isinstance(part, (list, tuple)):
            waiting.extend((f"{path}[{index}]", item, inside) for index, item in enumerate(part))
        elif not isinstance(part, _SCALARS):
            return f"{path} is a {type(part).__name__}, which JSON cannot hold"
    return "the result cannot be JSON"
