"""`skep.notify`: in a cell, at build, and in an author's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import skep
import skep.testing
from skep import _host
from skep.errors import InvalidPayload, NotInCell, OverLimit, UndeclaredAction

Start = Any

MAIN = """
import skep

def execute(data):
    try:
        for arguments in data["send"]:
            skep.notify.send(*arguments)
    except Exception as error:
        return {"raised": type(error).__name__, "text": str(error)}
    return {}
"""


@pytest.fixture
def app(cell: Start, tmp_path: Path) -> Any:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "main.py").write_text(MAIN)
    return cell(tmp_path)


def test_a_payload_is_json_and_empty_where_none_is_given(app: Any) -> None:
    answer = app.execute({"send": [["sold", {"price": 1.5}], ["sold"]]})
    assert answer["notifications"] == [["sold", '{"price": 1.5}'], ["sold", "{}"]]


@pytest.mark.parametrize(
    ("send", "raised", "text"),
    [
        ([["other"]], UndeclaredAction, "the manifest's `actions` declare no notification `other`"),
        ([["sold", "x" * 1_000]], InvalidPayload, "the payload is larger than 256 KiB"),
        ([["sold"]] * 3, OverLimit, "the call has sent its 2 notifications"),
    ],
)
def test_what_cannot_be_sent_is_named(app: Any, send: Any, raised: type, text: str) -> None:
    assert app.result({"send": send}) == {"raised": raised.__name__, "text": text}


def test_a_build_sends_nothing() -> None:
    _host.BuildHost().send_notification("sold", "{}")


def test_outside_a_cell_the_harness_keeps_them(tmp_path: Path) -> None:
    _host.use(_host.NoHost())
    with pytest.raises(NotInCell, match=r"skep\.testing"):
        skep.notify.send("sold")
    (tmp_path / "main.py").write_text(MAIN)
    app = skep.testing.App(tmp_path)
    app.call({"send": [["sold", [1]], ["low_stock"]]})
    assert app.notifications == [("sold", [1]), ("low_stock", {})]
    app.call({"send": []})
    assert app.notifications == []
