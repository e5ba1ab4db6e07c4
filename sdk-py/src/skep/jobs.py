"""Work that runs later, and how far the job is that runs now.

A job calls the app's `execute`, or one of its tasks, with what was queued and a key
`_job_id`. It runs at least once: after a crash it is tried again. What it did through the
injected `conn` and has not committed itself is kept together with its answer, so that much
happens exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from skep import _host

Priority = Literal["low", "normal", "high"]

_PRIORITIES = ("low", "normal", "high")


@dataclass(frozen=True, slots=True)
class Job:
    """The job that the current call works at. `attempt` is 1 for the first try."""

    id: str
    attempt: int


class Transactional(Protocol):
    """A connection of `psycopg2` or of `skep.db`."""

    def session_in_transaction(self) -> _host.Session | None: ...


def current() -> Job | None:
    """Return the job that this call works at, or None where somebody waits for the answer."""
    found = _host.host.current_job()
    return None if found is None else Job(*found)


def progress(percent: float | None = None, text: str | None = None) -> None:
    """Show how far the job is: `percent` is held between 0 and 99, `text` is cut at 1 KiB.

    What is None stays as it was. It is seen at once, whatever becomes of the attempt. Nothing
    happens where the call is no job's. Raises `JobOver` for a job that was cancelled or taken
    over, and `TimedOut` or `HostUnavailable`.
    """
    number = None if percent is None else _whole(percent)
    _host.host.report_progress(number, None if text is None else str(text))


def _whole(percent: float) -> int:
    # Infinities and what is not a number have no whole part.
    return int(min(max(percent, 0), 99)) if percent == percent else 0


def report_progress(percent: float, text: str | None = None) -> None:
    """Show how far the job is: what `execute` gets as `report_progress`."""
    progress(percent, text)


def heartbeat(done: float | None = None, text: str | None = None) -> None:
    """Make sure that the job is still this attempt's; raises `JobOver` where it is not.

    The host keeps a running job alive by itself. With arguments this is `progress`.
    """
    progress(done, text)


def cancelled() -> bool:
    """Tell whether the job is to stop. One that does not look is stopped in a moment too."""
    return _host.host.is_cancelled()


def enqueue(
    data: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    priority: Priority = "normal",
    delay: float = 0,
    conn: Transactional | None = None,
    task: str | None = None,
) -> str:
    """Queue a job of this app and return its id.

    `data` is what `execute` will get, or with `task` the task of the manifest that it names.
    With `key`, the app's jobs of that key are one: its id comes back, however often it is
    queued. `delay` is in seconds. With `conn`, the job is part of that connection's transaction:
    it is there when that is committed, and not at all if it is rolled back.

    Raises `InvalidJob`, `QueueFull`, `JobOver`, `TimedOut` or `HostUnavailable`, `TypeError` for
    data that JSON cannot hold, and `ValueError` for an unknown priority or a negative delay.
    """
    if priority not in _PRIORITIES:
        raise ValueError(f"unknown priority `{priority}`: use one of {', '.join(_PRIORITIES)}")
    if delay < 0:
        raise ValueError("a delay cannot be negative")
    payload = json.dumps({} if data is None else dict(data), allow_nan=False)
    session = None if conn is None else conn.session_in_transaction()
    order = _host.Order(payload, task, key, priority.upper(), round(delay * 1000))
    return _host.host.enqueue(session, order)
