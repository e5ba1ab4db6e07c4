"""The app on a real database. `DATABASE_URL` names one that may be written to."""

from pathlib import Path

import skep.testing

FOLDER = Path(__file__).parents[1]


def test_it_greets_by_name():
    answer = skep.testing.call(FOLDER, {"name": "Ann"})

    assert answer["message"] == "Hello, Ann!"
    assert answer["visits"] >= 1


def test_it_greets_the_world_without_a_name():
    assert skep.testing.call(FOLDER, {})["message"] == "Hello, world!"


def test_a_name_too_long_is_a_business_error():
    assert "at most" in skep.testing.call(FOLDER, {"name": "x" * 101})["error"]
