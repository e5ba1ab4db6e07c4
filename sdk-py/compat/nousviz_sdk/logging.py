"""Events in the app's log, in every kind of call."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from skep import _phase, log

MAX_MESSAGE = 2000

_LEVELS: dict[str, log.Level] = {
    "info": "info",
    "warn": "warn",
    "warning": "warn",
    "error": "error",
}

# What keeps records for somebody: the platform's own handler, and that of pytest's `caplog`.
_KEEPERS = {"DBLogHandler", "LogCaptureHandler"}


def log_event(level: str, message: str, detail: Any = None) -> None:
    """Write one line: `level` is info, warn or error, and `message` is cut at 2000 characters.

    Another level counts as info. Outside a cell the line goes to a handler that keeps records,
    else to stderr. It never raises, except for a level that is no text.
    """
    known = _LEVELS.get(level.lower(), "info")
    text = str(message)[:MAX_MESSAGE]
    if _phase.current is _phase.Phase.OUTSIDE:
        _write_outside(known, text, detail)
        return
    try:
        log.write(known, text, _mapping(detail))
    except Exception as error:
        _print(known, f"log write failed: {error}", text)


def _mapping(detail: Any) -> Mapping[str, Any] | None:
    return detail if detail is None or isinstance(detail, Mapping) else {"detail": detail}


def _write_outside(level: log.Level, text: str, detail: Any) -> None:
    plugin = os.environ.get("NOUSVIZ_PLUGIN_ID")
    if not plugin:
        _print(level, "no NOUSVIZ_PLUGIN_ID", text)
        return
    logger = logging.getLogger(f"nousviz.plugin.{plugin}")
    if not _is_kept(logger):
        _print(level, "not in a cell", text)
        return
    extra = {"source_override": "plugin", "detail": detail, "plugin_id": plugin}
    number = logging.WARNING if level == "warn" else logging.getLevelName(level.upper())
    logger.log(number, "%s", text, extra=extra)


def _is_kept(logger: logging.Logger) -> bool:
    at: logging.Logger | None = logger
    while at is not None:
        if any(type(handler).__name__ in _KEEPERS for handler in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False


def _print(level: str, why: str, text: str) -> None:
    print(f"[nousviz_sdk] {level.upper()} ({why}): {text}", file=sys.stderr)
