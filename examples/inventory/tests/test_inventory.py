"""The app on a real database. `DATABASE_URL` names one that may be written to."""

from pathlib import Path

import pytest
import skep.testing

FOLDER = Path(__file__).parents[1]


@pytest.fixture
def call(request):
    app = skep.testing.App(FOLDER)
    made = []

    def call(action, **fields):
        # Several calls build on each other, so they are kept, and cleaned up below.
        answer = app.call({"action": action, **fields}, rollback=False)
        if action == "create" and "id" in answer:
            made.append(answer["id"])
        return answer

    yield call
    for item in made:
        call("delete", id=item)


@pytest.fixture
def item(call):
    item = call("create", name="test bolts", price="1.50", minimum=5)["id"]
    call("receive", id=item, place="north", quantity=10)
    return item


def places(call, item):
    return next(row for row in call("list")["items"] if row["id"] == item)["places"]


def test_a_move_changes_both_places(call, item):
    assert call("move", id=item, **{"from": "north", "to": "south"}, quantity=4) == {"left": 6}
    assert places(call, item) == {"north": 6, "south": 4}


def test_a_move_of_too_much_changes_neither(call, item):
    answer = call("move", id=item, **{"from": "north", "to": "south"}, quantity=11)

    assert answer == {"error": "there is less than 11 in north"}
    assert places(call, item) == {"north": 10}


def test_falling_below_the_minimum_is_announced(call, item):
    answer = call("move", id=item, **{"from": "north", "to": "south"}, quantity=6)

    assert answer["_actions"] == [
        {"name": "low_stock", "payload": {"item_id": item, "place": "north", "quantity": 4}}
    ]


def test_a_name_is_taken_once(call, item):
    answer = call("create", name="test bolts")

    assert answer == {"error": "there is already an item called test bolts"}


def test_an_item_is_found_and_changed(call, item):
    call("update", id=item, name="test nuts", price="2", minimum=1)

    found = call("list", search="NUTS")["items"]
    assert [(row["name"], row["price"], row["total"]) for row in found] == [("test nuts", "2.00", 10)]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"action": "move", "id": "x"}, "id must be a number"),
        ({"action": "create", "name": ""}, "an item has a name of 1 to 120 characters"),
        ({"action": "receive", "id": 1, "place": "", "quantity": 1}, "a place has a name"),
        ({"action": "dance"}, "unknown action: dance"),
    ],
)
def test_what_cannot_be_is_said(call, fields, error):
    assert call(**fields)["error"].startswith(error)
