"""Lines in the app's own log.

`print` and `logging` arrive there too; use this module for a level and structured
detail at once. A message is cut at 8 KiB and a detail at 32 KiB; after 1,000 lines
or 1 MiB in one call (unless the operator sets others) one line says so, and the rest
is left out. Nothing here raises for a host's reason.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from skep import _host

Level = Literal["debug", "info", "warn", "error"]

_LEVELS = ("debug", "info", "warn", "error")


def write(level: Level, message: str, detail: Mapping[str, Any] | None = None) -> None:
    """Write one line.

    `detail` is whatever else belongs to the line; what JSON cannot hold is
    written as its `str`. Raises `ValueError` for an unknown level.
    """
    if level not in _LEVELS:
        raise ValueError(f"unknown level `{level}`: use one of {', '.join(_LEVELS)}")
    text = None if not detail else json.dumps(detail, default=str)
    _host.host.write_log(level, str(message), text)


def debug(message: str, **detail: Any) -> None:
    """Write a line for whoever looks for a fault."""
    write("debug", message, detail)


def info(message: str, **detail: Any) -> None:
    """Write a line about something expected."""
    write("info", message, detail)


def warn(message: str, **detail: Any) -> None:
    """Write a line about something that should not happen often."""
    write("warn", message, detail)


def error(message: str, **detail: Any) -> None:
    """Write a line about something that failed."""
    write("error", message, detail)
