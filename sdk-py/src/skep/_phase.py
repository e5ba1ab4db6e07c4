"""Which part of an app's life runs now.

An app's module-level code runs up to three times: at build, where no host can be
reached; in `load`, once a deploy, with the database; and, for an app that reads
the database while it is imported, again before the first call of each cell.
"""

from __future__ import annotations

import enum


class Phase(enum.Enum):
    """What runs now. `OUTSIDE` is plain CPython, without a cell."""

    OUTSIDE = "outside"
    BUILD = "build"
    LOAD = "load"
    IMPORT = "import"
    CALL = "call"


current = Phase.OUTSIDE

result_was_read = False
"""Whether the build saw module-level code read a result that it cannot have."""


def enter(phase: Phase) -> None:
    """Makes `phase` the current one."""
    global current
    current = phase


def mark_result_read() -> None:
    """Notes that the app's import needs the database."""
    global result_was_read
    result_was_read = True
