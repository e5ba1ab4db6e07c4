"""Tests of main.py. `skep test` runs each in a cell of its own, and undoes what it did."""

import main

JOB = "00000000-0000-0000-0000-000000000007"


def test_a_job_tells_how_far_it_is(conn):
    seen = []

    data = {"action": "make", "steps": 40, "_job_id": JOB}
    main.execute(data, conn=conn, report_progress=seen.append)

    assert seen == sorted(seen), seen
    assert seen[0] == 0, seen


def test_a_job_that_runs_again_stores_its_report_once(conn):
    data = {"action": "make", "steps": 2, "_job_id": JOB}
    for _ in range(2):
        main.execute(data, conn=conn, report_progress=lambda percent: None)

    answer = main.execute({"action": "list"}, conn=conn)

    assert answer == {"reports": [{"steps": 2, "total": 1}]}, answer
