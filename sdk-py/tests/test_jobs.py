"""`skep.jobs`, and what a job's call does differently."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

import psycopg2
from skep import _call, errors, jobs
from skep import db as skep_db


@pytest.fixture
def queue(db: Any) -> Iterator[Any]:
    """The test bindings of `skep:app/jobs`, for a call that works at a job."""
    from wit_world.imports import jobs as bindings

    bindings.job = bindings.Job("j1", 2)
    # A call finds an environment of its own.
    kept = dict(os.environ)
    yield bindings
    os.environ.update(kept)
    bindings.job = bindings.refusal = None
    bindings.reports.clear()
    bindings.queued.clear()


def test_a_job_knows_itself(queue: Any) -> None:
    assert jobs.current() == jobs.Job("j1", 2)

    queue.job = None
    assert jobs.current() is None


def test_progress_is_a_whole_number_of_percent(queue: Any) -> None:
    jobs.progress(12.7, "reading")
    jobs.progress(text="writing")
    jobs.report_progress(400)
    jobs.progress(float("inf"))
    jobs.progress(float("nan"))
    jobs.heartbeat()

    assert queue.reports == [
        (12, "reading"),
        (None, "writing"),
        (99, None),
        (99, None),
        (0, None),
        (None, None),
    ]


def test_progress_of_a_call_that_is_no_jobs_is_nothing(queue: Any) -> None:
    queue.job = None

    jobs.progress(50)

    assert queue.reports == []


def test_a_job_that_is_over_is_told(queue: Any) -> None:
    assert not jobs.cancelled()
    queue.refusal = queue.Error_Superseded()

    assert jobs.cancelled()
    with pytest.raises(errors.JobOver):
        jobs.progress(1)
    with pytest.raises(errors.JobOver):
        jobs.enqueue()


def test_a_job_is_queued_with_all_that_was_said(queue: Any) -> None:
    assert jobs.enqueue({"a": "ü"}, key="k", priority="high", delay=1.5) == "job-1"

    connection, request = queue.queued[0]
    assert connection is None
    assert request == queue.Request('{"a": "\\u00fc"}', None, "k", queue.Priority.HIGH, 1500)


def test_what_cannot_be_queued_is_refused(queue: Any) -> None:
    with pytest.raises(ValueError, match="unknown priority `urgent`"):
        jobs.enqueue(priority="urgent")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        jobs.enqueue(delay=-1)
    with pytest.raises(ValueError, match="JSON"):
        jobs.enqueue({"a": float("nan")})
    assert queue.queued == []

    queue.refusal = queue.Error_QueueFull()
    with pytest.raises(errors.QueueFull):
        jobs.enqueue()


def test_a_job_is_part_of_the_connections_transaction(queue: Any) -> None:
    conn = psycopg2.connect("")
    jobs.enqueue(conn=conn)
    assert queue.queued[0][0] is not None
    assert conn.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INTRANS
    conn.rollback()

    conn.autocommit = True
    jobs.enqueue(conn=conn)
    assert queue.queued[1][0] is None

    with skep_db.Connection() as own:
        jobs.enqueue(conn=own)
    assert queue.queued[2][0] is not None


def test_a_jobs_commit_is_left_to_its_answer(queue: Any, db: Any) -> None:
    def execute(data: dict[str, Any], conn: Any, report_progress: Any) -> dict[str, Any]:
        report_progress(40)
        with conn.cursor() as cur:
            cur.execute("SELECT 1")
        return {"job": data["_job_id"]}

    answer = _call.App(execute).execute('{"_job_id": "j1"}')

    assert answer == '{"job": "j1"}'
    assert queue.reports == [(40, None)]
    assert db.statements == ["SELECT 1", "-- commit on return"]


def test_a_job_whose_transaction_failed_keeps_nothing_of_it(queue: Any, db: Any) -> None:
    def execute(data: dict[str, Any], conn: Any) -> dict[str, Any]:
        with pytest.raises(psycopg2.Error), conn.cursor() as cur:
            cur.execute("SELECT nothing")
        return {}

    _call.App(execute).execute('{"_job_id": "j1"}')

    assert db.statements == ["SELECT nothing", "-- rollback"]


def test_a_call_that_is_no_jobs_commits_before_it_answers(queue: Any, db: Any) -> None:
    def execute(data: dict[str, Any], conn: Any, report_progress: Any = None) -> dict[str, Any]:
        assert report_progress is None
        with conn.cursor() as cur:
            cur.execute("SELECT 1")
        return {}

    _call.App(execute).execute("{}")

    assert db.statements == ["SELECT 1", "-- commit"]
