"""What an app's `execute` wants to be called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

INJECTED = ("conn", "report_progress")


def injected(execute: Callable[..., Any]) -> frozenset[str]:
    """Returns which of `INJECTED` are parameters of `execute` besides its first one."""
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
