"""What is left to do when a call ends, for modules that keep something until then."""

from __future__ import annotations

import logging
from collections.abc import Callable

_waiting: list[Callable[[], None]] = []


def at_end(function: Callable[[], None]) -> None:
    """Has `function` called at the end of every call, whether it succeeds or not."""
    _waiting.append(function)


def run() -> None:
    """Calls what was asked for. What one raises is logged, and the others still run."""
    for function in _waiting:
        try:
            function()
        except Exception:
            logging.getLogger("skep").warning("at the end of a call", exc_info=True)
