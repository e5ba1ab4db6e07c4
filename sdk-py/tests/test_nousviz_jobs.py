"""`nousviz_sdk.jobs` and `progress`: how often a run is told of, and that the last is."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest

from nousviz_sdk import jobs, progress
from nousviz_sdk.jobs import Reporter, check_cancelled, get_run_id, heartbeat, shown
from skep import _ending

Bindings = Any

JOB = "019a0000-0000-7000-8000-000000000005"


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(jobs, "_reporter", Reporter(clock))
    return clock


@pytest.fixture
def reports(bindings: Bindings, clock: Clock) -> list[Any]:
    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    found: list[Any] = bindings.jobs.reports
    return found


def test_a_job_has_a_number_that_a_bigint_holds(bindings: Bindings) -> None:
    assert get_run_id() is None
    bindings.jobs.job = bindings.jobs.Job(JOB, 2)
    assert get_run_id() == 5
    bindings.jobs.job = bindings.jobs.Job("ffffffff-ffff-ffff-ffff-ffffffffffff", 1)
    assert get_run_id() == 2**63 - 1


@pytest.mark.parametrize(("text", "number"), [("7", 7), ("-3", -3), ("x", None), ("", None)])
def test_outside_a_cell_the_environment_names_the_run(
    monkeypatch: pytest.MonkeyPatch, text: str, number: int | None
) -> None:
    monkeypatch.setenv("NOUSVIZ_JOB_RUN_ID", text)
    assert get_run_id() == number


def test_a_run_set_by_hand_goes_first(bindings: Bindings) -> None:
    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    jobs._set_current_run_id(9)
    try:
        assert get_run_id() == 9
    finally:
        jobs._set_current_run_id(None)
    assert get_run_id() == 5


def test_without_a_run_nothing_is_sent(bindings: Bindings, caplog: Any) -> None:
    heartbeat({"pct": 5})
    progress.report(5)
    _ending.run()

    assert bindings.jobs.reports == []
    assert caplog.messages == []


def test_reports_are_two_seconds_apart(reports: list[Any], clock: Clock) -> None:
    heartbeat({"pct": 1})
    clock.now += 1.99
    heartbeat({"pct": 2})
    assert reports == [(1, None)]
    clock.now += 0.01
    heartbeat({"pct": 3})
    assert reports == [(1, None), (3, None)]


def test_what_comes_in_between_is_sent_with_the_next(reports: list[Any], clock: Clock) -> None:
    heartbeat({"pct": 1})
    heartbeat({"pct": 2, "message": "two"})
    clock.now += 2
    heartbeat()
    assert reports == [(1, None), (2, "two")]


def test_the_last_one_is_sent_when_the_call_ends(reports: list[Any]) -> None:
    heartbeat({"pct": 1})
    heartbeat({"pct": 100, "message": "done"})
    assert reports == [(1, None)]
    _ending.run()
    assert reports == [(1, None), (99, "done")]
    _ending.run()
    assert len(reports) == 2


def test_keys_are_added_to_those_before(reports: list[Any], clock: Clock) -> None:
    heartbeat({"message": "loading", "page": 1})
    clock.now += 2
    heartbeat({"page": 2})
    assert reports == [(None, "loading, page: 1"), (None, "loading, page: 2")]


def test_another_run_begins_anew(bindings: Bindings, reports: list[Any]) -> None:
    heartbeat({"message": "of the first"})
    bindings.jobs.job = bindings.jobs.Job(JOB.replace("5", "6"), 1)
    heartbeat({"pct": 1})
    assert reports == [(None, "of the first"), (1, None)]


def test_a_bare_heartbeat_is_sent(reports: list[Any], clock: Clock) -> None:
    heartbeat()
    heartbeat()
    clock.now += 2
    heartbeat({})
    assert reports == [(None, None), (None, None)]


@pytest.mark.parametrize("broken", ["superseded", "unavailable"])
def test_a_heartbeat_never_raises(
    bindings: Bindings, reports: list[Any], caplog: Any, broken: str
) -> None:
    errors = {"superseded": "Error_Superseded", "unavailable": "Error_Unavailable"}
    bindings.jobs.refusal = getattr(bindings.jobs, errors[broken])()
    heartbeat({"pct": 1})
    heartbeat({"pct": 2})
    _ending.run()

    assert reports == []
    assert [record.name for record in caplog.records] == ["nousviz_sdk.jobs"] * 2
    assert caplog.records[0].levelno == logging.WARNING


@pytest.mark.parametrize(
    ("progress", "percent", "text"),
    [
        ({}, None, None),
        ({"pct": 12.5}, 12.5, None),
        ({"message": "x"}, None, "x"),
        ({"rows_done": 5}, None, "5 rows"),
        ({"rows_done": 5, "rows_total": 20}, 25, "5 of 20 rows"),
        ({"rows_done": 5, "rows_total": 0}, None, "5 of 0 rows"),
        ({"pct": 1, "rows_done": 5, "rows_total": 20}, 1, "5 of 20 rows"),
        ({"message": "x", "rows_done": 1, "page": 3}, None, "x, 1 rows, page: 3"),
    ],
)
def test_progress_is_percent_and_text(
    progress: dict[str, Any], percent: float | None, text: str | None
) -> None:
    assert shown(progress) == (percent, text)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (-1, 0.0),
        (0, 0.0),
        (50, 50.0),
        ("50", 50.0),
        (101, 100.0),
        (math.inf, 100.0),
        (-math.inf, 0.0),
        (math.nan, 100.0),
    ],
)
def test_a_percent_is_held_between_0_and_100(
    monkeypatch: pytest.MonkeyPatch, given: Any, sent: float
) -> None:
    beats: list[Any] = []
    monkeypatch.setattr(jobs, "heartbeat", beats.append)
    progress.report(given)
    assert beats == [{"pct": sent}]
    assert type(beats[0]["pct"]) is float


def test_only_what_is_given_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    beats: list[Any] = []
    monkeypatch.setattr(jobs, "heartbeat", beats.append)
    progress.report()
    progress.report(message=5, rows_done=7.9)  # type: ignore[arg-type]
    progress.report(rows_total="8")  # type: ignore[arg-type]
    assert beats == [None, {"message": "5", "rows_done": 7}, {"rows_total": 8}]


def test_what_is_no_number_is_an_error(reports: list[Any]) -> None:
    with pytest.raises(ValueError, match="half"):
        progress.report("half")  # type: ignore[arg-type]
    assert reports == []


def test_a_cancelled_run_is_told_of(bindings: Bindings) -> None:
    assert not check_cancelled()
    bindings.jobs.refusal = bindings.jobs.Error_Superseded()
    assert not check_cancelled()
    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    assert check_cancelled()
    bindings.jobs.refusal = None
    assert not check_cancelled()


def test_a_cancel_that_cannot_be_told_is_none(
    bindings: Bindings, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken() -> bool:
        raise OSError("no")

    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    monkeypatch.setattr(bindings.jobs, "is_cancelled", broken)
    assert not check_cancelled()
    assert "no" in caplog.text
