"""The run that the current call works at: how far it is, and whether it is to stop.

A run is a job of Skep's. Its number, which plugins expect, is made from the job's id;
`skep.jobs.current().id` is the id that Skep's own commands take.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from skep import _ending
from skep import jobs as _jobs

# How many seconds lie between two reports at least.
INTERVAL = 2.0

_log = logging.getLogger("nousviz_sdk.jobs")

_current: int | None = None


def get_run_id() -> int | None:
    """Return the number of the current run, or None where the call is none.

    Outside a cell it is what NOUSVIZ_JOB_RUN_ID says.
    """
    if _current is not None:
        return _current
    if (job := _jobs.current()) is not None:
        return number(job.id)
    try:
        return int(os.environ["NOUSVIZ_JOB_RUN_ID"])
    except (KeyError, ValueError):
        return None


def number(job_id: str) -> int:
    """Make a number of a job's id, one that a `bigint` holds."""
    return uuid.UUID(job_id).int & (2**63 - 1)


def heartbeat(progress: Mapping[str, Any] | None = None) -> None:
    """Say how far the run is. The keys of `progress` are added to those of calls before.

    Reports are at least 2 seconds apart. What comes in between is kept and sent with the next
    one, at the latest when the call ends. Nothing happens where the call is no run, and
    nothing is raised.
    """
    run = get_run_id()
    if run is None:
        return
    try:
        _reporter.take(run, progress)
    except Exception as error:
        _log.warning("heartbeat failed: %s", error)


def check_cancelled() -> bool:
    """Tell whether somebody wants the run to stop. False where that cannot be told."""
    try:
        return get_run_id() is not None and _jobs.cancelled()
    except Exception as error:
        _log.warning("check_cancelled failed: %s", error)
        return False


class Reporter:
    """Sends what is known of a run, not too often, and the last of it always.

    `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forgets the run."""
        self._run: int | None = None
        self._known: dict[str, Any] = {}
        self._sent_at: float | None = None
        self._is_behind = False

    def take(self, run: int, progress: Mapping[str, Any] | None) -> None:
        """Adds `progress` to what is known of `run`, and sends it where it is time."""
        if run != self._run:
            self.reset()
            self._run = run
        if progress:
            self._known.update(progress)
            self._is_behind = True
        if self._sent_at is None or self._clock() - self._sent_at >= INTERVAL:
            self._send()

    def flush(self) -> None:
        """Sends what has waited."""
        if self._is_behind:
            self._send()

    def _send(self) -> None:
        self._sent_at = self._clock()
        self._is_behind = False
        _jobs.progress(*shown(self._known))


def shown(progress: Mapping[str, Any]) -> tuple[float | None, str | None]:
    """Returns percent and text of a progress with any keys.

    `pct` is the percent, else `rows_done` of `rows_total`. The text is `message`, the rows,
    and every other key with its value.
    """
    known = dict(progress)
    percent, message = known.pop("pct", None), known.pop("message", None)
    done, total = known.pop("rows_done", None), known.pop("rows_total", None)
    if percent is None and done is not None and total:
        percent = 100 * done / total
    parts = [] if message is None else [str(message)]
    if done is not None:
        parts.append(f"{done} rows" if total is None else f"{done} of {total} rows")
    parts += [f"{key}: {value}" for key, value in known.items()]
    return percent, ", ".join(parts) or None


_reporter = Reporter(time.monotonic)


def flush() -> None:
    """Send what heartbeats in between have said. Nothing is raised."""
    try:
        _reporter.flush()
    except Exception as error:
        _log.warning("heartbeat failed: %s", error)


_ending.at_end(flush)


def _set_current_run_id(run: int | None) -> None:
    """Sets the current run by hand, and lets its first heartbeat be sent at once."""
    global _current
    _current = run
    _reporter.reset()
