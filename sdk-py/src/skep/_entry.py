"""What an app's `execute` wants to be called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


def takes_connection(execute: Callable[..., Any]) -> bool:
    """Tells whether `execute` has a parameter `conn` besides its first one."""
    try:
        parameters = list(inspect.signature(execute).parameters.values())
    except (TypeError, ValueError):
        return False
    return any(
        parameter.name == "conn"
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        for parameter in parameters[1:]
    )
