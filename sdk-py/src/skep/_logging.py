"""Carries Python's `logging` into the app's log."""

from __future__ import annotations

import json
import logging
import traceback
from typing import Any

from skep import _host


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    return "info" if number >= logging.INFO else "debug"


class CellHandler(logging.Handler):
    """Writes each record as one line of the log, its traceback in the detail."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            detail: dict[str, Any] = {"logger": record.name}
            if record.exc_info and record.exc_info[1] is not None:
                detail["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
            if record.stack_info:
                detail["stack"] = record.stack_info
            _host.host.write_log(_level(record.levelno), record.getMessage(), json.dumps(detail))
        except Exception:
            self.handleError(record)


def _basic_config(**options: Any) -> None:
    # The original would add a handler to stderr, and each line would appear twice.
    if options.get("level") is not None:
        logging.getLogger().setLevel(options["level"])


def install() -> None:
    """Makes the app's log the only target of the root logger."""
    root = logging.getLogger()
    root.handlers[:] = [CellHandler()]
    root.setLevel(logging.INFO)
    logging.basicConfig = _basic_config
    # Cells have neither threads nor processes that are worth a line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
