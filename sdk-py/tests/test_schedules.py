"""`skep.schedules`: in a cell, at build, and in an author's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import skep
import skep.testing
from skep import _host, _phase
from skep.errors import NotInCell, ResultNotReady
from skep.schedules import Schedule

Start = Any

MAIN = """
import skep

def execute(data):
    try:
        if data.get("name") is None:
            return [schedule.name for schedule in skep.schedules.all()]
        schedule = skep.schedules.get(data["name"])
    except Exception as error:
        return {"raised": type(error).__name__}
    if schedule is None:
        return None
    return {
        "label": schedule.label, "timezone": schedule.timezone, "overlap": schedule.overlap,
        "missed": schedule.missed, "paused": schedule.paused, "overridden": schedule.overridden,
        "next": schedule.next_run and schedule.next_run.isoformat(),
        "last": schedule.last_run and schedule.last_run.isoformat(),
        "active": [schedule.active_job, schedule.active_status],
    }
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "main.py").write_text(MAIN)
    return tmp_path


def test_a_schedule_is_told_as_it_counts(cell: Start, bundle: Path) -> None:
    process = cell(bundle)
    assert process.result({"name": "sync"}) == {
        "label": "Every 4 hours",
        "timezone": "UTC",
        "overlap": "queue_after",
        "missed": "skip",
        "paused": False,
        "overridden": True,
        "next": "2026-11-21T16:00:00+00:00",
        "last": "2026-11-21T12:00:07.500000+00:00",
        "active": ["0193", "running"],
    }
    paused = process.result({"name": "nightly"})
    assert paused["paused"]
    assert paused["next"] is None
    assert paused["active"] == [None, None]
    assert process.result({"name": "other"}) is None
    assert process.result({"name": "a\ud800"}) is None
    assert process.result({}) == ["nightly", "sync"]


def test_what_the_host_refuses_is_raised(cell: Start, bundle: Path) -> None:
    process = cell(bundle)
    assert process.result({"name": "busy"}) == {"raised": "OverLimit"}
    assert process.result({"name": "away"}) == {"raised": "HostUnavailable"}


def test_outside_a_cell_a_test_says_what_is_scheduled(bundle: Path) -> None:
    with pytest.raises(NotInCell):
        _host.NoHost().get_schedule("sync")

    app = skep.testing.App(bundle, schedules=[Schedule("sync", "0 * * * *", label="Hourly")])
    assert app.call({"name": "sync"})["label"] == "Hourly"
    assert app.call({"name": "other"}) is None
    assert app.call({}) == ["sync"]


def test_nothing_is_scheduled_at_build() -> None:
    host = _host.BuildHost()
    for read in (lambda: host.get_schedule("sync"), host.all_schedules):
        _phase.result_was_read = False
        with pytest.raises(ResultNotReady):
            read()
        assert _phase.result_was_read
    _phase.result_was_read = False
