"""What an app's functions want to be called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

INJECTED = ("conn", "query", "report_progress")


def takes_something(function: Callable[..., Any]) -> bool:
    """Tells whether a function has a first parameter."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return True
    return bool(parameters) and parameters[0].kind is not inspect.Parameter.KEYWORD_ONLY


def injected(execute: Callable[..., Any]) -> frozenset[str]:
    """Returns which of `INJECTED` are parameters of a function besides its first one."""
    try:
        parameters = list(inspect.signature(execute).parameters.values())
    except (TypeError, ValueError):
        return frozenset()
    return frozenset(
        parameter.name
        for parameter in parameters[1:]
        if parameter.name in INJECTED
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    )
