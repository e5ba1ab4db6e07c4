"""When the plugin's sync runs by itself."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from nousviz_sdk import _owner, jobs
from skep import schedules
from skep.errors import SkepError

# The schedule of this name is the sync's, where the app has several.
NAME = "sync"

_log = logging.getLogger("nousviz_sdk.schedule")

_LABELS = {
    "0 */4 * * *": "Every 4 hours",
    "0 6 * * *": "Daily at 6am",
    "0 0 * * *": "Daily at midnight",
    "*/5 * * * *": "Every 5 minutes",
    "0 * * * *": "Hourly",
}

# What plugins call the states of a job.
_STATES = {"pending": "queued", "running": "running"}


def get_schedule(plugin_id: str) -> dict[str, Any] | None:
    """Return when the sync runs, as it counts now: an operator's change of it too.

    That is the schedule `sync`, or the only one that the app has. Without one, and where it
    cannot be read, `cron` is empty and the rest is None. None is for another app.
    """
    if not _owner.is_own(plugin_id):
        _log.warning("%s", _owner.denied(plugin_id, "schedules"))
        return None
    try:
        found = _find(schedules.all())
    except SkepError as error:
        _log.warning("get_schedule: %s", error)
        found = None
    active = found and found.active_job
    return {
        "plugin_id": plugin_id,
        "cron": found.cron if found else "",
        "schedule_label": label(found.cron) if found else None,
        "next_run_at": _text(found.next_run) if found else None,
        "last_run_at": _text(found.last_run) if found else None,
        "active_run_id": jobs.number(active) if active else None,
        "active_run_status": _STATES.get(str(found.active_status)) if found else None,
        "execution_mode": "sync",
        "concurrency_policy": found.overlap if found else "skip_if_running",
    }


def label(cron: str) -> str | None:
    """Return a cron expression in words, where there are some; None for an empty one."""
    return _LABELS.get(cron, cron) or None


def _find(all_of_them: list[schedules.Schedule]) -> schedules.Schedule | None:
    named = [schedule for schedule in all_of_them if schedule.name == NAME]
    if named:
        return named[0]
    return all_of_them[0] if len(all_of_them) == 1 else None


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
