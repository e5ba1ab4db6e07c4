"""The app on a real database. `DATABASE_URL` names one that may be written to."""

from pathlib import Path

import skep.testing

FOLDER = Path(__file__).parents[1]
JOB = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"


def test_a_job_makes_a_report():
    answer = skep.testing.call(FOLDER, {"action": "make", "rows": 10, "_job_id": JOB})

    assert answer == {"rows": 10, "total": 45}


def test_a_call_is_told_to_be_a_job():
    assert "async" in skep.testing.call(FOLDER, {"action": "make"})["error"]
