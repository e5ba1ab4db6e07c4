"""`skep:app/schedules`."""

import enum
from dataclasses import dataclass

from componentize_py_types import Err


class Overlap(enum.Enum):
    SKIP_IF_RUNNING = 0
    QUEUE_AFTER = 1
    CANCEL_ACTIVE = 2


class Missed(enum.Enum):
    RUN_ONCE = 0
    SKIP = 1


@dataclass
class Schedule:
    name: str
    cron: str
    timezone: str
    label: str
    overridden: bool
    paused: bool
    overlap: Overlap
    missed: Missed
    next_run: str | None
    last_run: str | None
    active_job: str | None
    active_status: str | None


@dataclass
class Error_OverLimit:
    value: str


@dataclass
class Error_Unavailable:
    pass


schedules = [
    Schedule(
        "nightly",
        "0 2 * * *",
        "Europe/Berlin",
        "0 2 * * *",
        False,
        True,
        Overlap.SKIP_IF_RUNNING,
        Missed.RUN_ONCE,
        None,
        None,
        None,
        None,
    ),
    Schedule(
        "sync",
        "0 */4 * * *",
        "UTC",
        "Every 4 hours",
        True,
        False,
        Overlap.QUEUE_AFTER,
        Missed.SKIP,
        "2026-11-21T16:00:00Z",
        "2026-11-21T12:00:07.5Z",
        "0193",
        "running",
    ),
]


def get(name: str) -> Schedule | None:
    if name == "busy":
        raise Err(Error_OverLimit("too often"))
    if name == "away":
        raise Err(Error_Unavailable())
    return next((schedule for schedule in schedules if schedule.name == name), None)


def all() -> list[Schedule]:  # noqa: A001
    return list(schedules)
