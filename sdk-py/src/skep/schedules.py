"""Schedules of the app: work that it has done again and again.

The manifest declares each by its name, in `schedules`, with a cron expression and a time
zone. An operator may say another time, or pause it; what is told here is what counts.

Functions raise `OverLimit` or `HostUnavailable` of `skep.errors`. At build nothing is
scheduled; module-level code that asks has its import left to the first call.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from skep import _host


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it counts. Times are in UTC."""

    name: str
    cron: str
    timezone: str = "UTC"
    label: str = ""
    """What people call the expression, where it is a common one; else the expression."""
    overridden: bool = False
    """Whether an operator has said another time than the manifest."""
    paused: bool = False
    overlap: Literal["skip_if_running", "queue_after", "cancel_active"] = "skip_if_running"
    missed: Literal["run_once", "skip"] = "run_once"
    next_run: datetime | None = None
    """None while it is paused."""
    last_run: datetime | None = None
    """When a job of it was last completed."""
    active_job: str | None = None
    """The newest of its jobs that wait or run."""
    active_status: Literal["pending", "running"] | None = None


def get(name: str) -> Schedule | None:
    """Return a schedule, or None where the release declares none of this name."""
    return _host.host.get_schedule(name)


def all() -> list[Schedule]:  # noqa: A001
    """Return all schedules of the release, by name."""
    return _host.host.all_schedules()
