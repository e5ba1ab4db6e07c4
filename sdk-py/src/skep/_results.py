"""What a hook or a task came to, as one record, whatever its function returned or raised."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from skep import _failure, _phase

# How much of a traceback is kept, in characters from its end.
MAX_TRACE = 2000


class Outcome(TypedDict):
    """`ok` tells success; `message` is for people; `data` is whatever else belongs to it."""

    ok: bool
    message: str | None
    data: Any


def outcome(returned: Any, kind: str = "hook") -> Outcome:
    """Reads what a hook or task (`kind`) returned.

    None is success. A mapping is one too, unless its key `ok` is false. An object with `ok`,
    `message` and `data` is taken as it is. Anything else is a failure that names its type.
    """
    if returned is None:
        return {"ok": True, "message": None, "data": None}
    if isinstance(returned, Mapping):
        ok, message = returned.get("ok", True), returned.get("message")
        return {"ok": bool(ok), "message": message, "data": returned.get("data")}
    if all(hasattr(returned, name) for name in ("ok", "message", "data")):
        return {"ok": bool(returned.ok), "message": returned.message, "data": returned.data}
    name = type(returned).__name__
    return {
        "ok": False,
        "message": f"{kind} returned unexpected type {name}, expected HookResult",
        "data": None,
    }


def failure(error: BaseException) -> Outcome:
    """Describes what a hook or task raised, with the end of its traceback."""
    if _phase.current is _phase.Phase.OUTSIDE:
        trace = "".join(traceback.format_exception(error))
    else:
        trace = _failure.trace(error)
    return {
        "ok": False,
        "message": f"{type(error).__name__}: {error}",
        "data": {"traceback": trace[-MAX_TRACE:]},
    }


def run(function: Callable[[], Any], kind: str = "hook") -> Outcome:
    """Calls `function` and tells what it came to. It raises only what ends a program."""
    try:
        return outcome(function(), kind)
    except Exception as error:
        return failure(error)
