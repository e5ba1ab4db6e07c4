"""`skep.credentials` and `skep.settings`: in a cell, at build, and in an author's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import skep
import skep.testing
from skep import _host, _phase
from skep.errors import (
    CredentialNotSet,
    InvalidSetting,
    NotInCell,
    ResultNotReady,
    UndeclaredSetting,
)

Start = Any

MAIN = """
import skep

def execute(data):
    module = getattr(skep, data["module"])
    try:
        return getattr(module, data["function"])(*data["arguments"])
    except Exception as error:
        return {"raised": type(error).__name__, "text": str(error)}
"""


@pytest.fixture
def app(cell: Start, tmp_path: Path) -> Any:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "main.py").write_text(MAIN)
    process = cell(tmp_path)

    def call(module: str, function: str, *arguments: Any) -> Any:
        return process.result({"module": module, "function": function, "arguments": arguments})

    return call


def test_a_credential_is_bytes_text_or_json(app: Any) -> None:
    assert app("credentials", "get", "erp") == "the token"
    assert app("credentials", "get_json", "account") == {"user": "ann"}


@pytest.mark.parametrize(
    ("function", "name", "raised", "text"),
    [
        ("get", "raw", "ValueError", "the credential `raw` is no text: use get_bytes"),
        ("get_json", "erp", "ValueError", "the credential `erp` is no JSON"),
        ("get", "unset", "CredentialNotSet", "the credential `unset` is not set: ..."),
        ("get", "other", "UndeclaredCredential", "the manifest's `needs.credentials` does ..."),
        ("get", "a\ud800", "UndeclaredCredential", "the manifest's `needs.credentials` does ..."),
    ],
)
def test_a_credential_that_cannot_be_read_is_named(
    app: Any, function: str, name: str, raised: str, text: str
) -> None:
    answer = app("credentials", function, name)

    assert answer["raised"] == raised
    assert answer["text"].startswith(text.removesuffix("..."))


def test_a_secret_that_is_no_text_is_in_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(MAIN)
    skep.testing.App(tmp_path, credentials={"raw": b"\xff my secret"})

    for read in (skep.credentials.get, skep.credentials.get_json):
        with pytest.raises(ValueError, match="raw") as caught:
            read("raw")
        error: BaseException | None = caught.value
        while error is not None:
            assert b"my secret" not in getattr(error, "object", b"")
            assert "my secret" not in str(error)
            error = error.__cause__ or error.__context__


def test_settings_keep_their_types(app: Any) -> None:
    assert app("settings", "get", "fast") is False
    assert app("settings", "get", "count") is None
    app("settings", "set", "count", 0)
    assert app("settings", "get", "count") == 0
    assert app("settings", "all") == {"fast": False, "count": 0}
    app("settings", "unset", "fast")
    assert app("settings", "all") == {"count": 0}


def test_a_setting_that_cannot_be_changed_is_named(app: Any) -> None:
    assert app("settings", "get", "other")["raised"] == UndeclaredSetting.__name__
    assert app("settings", "set", "other", 1)["raised"] == UndeclaredSetting.__name__
    assert app("settings", "set", "count", None) == {
        "raised": InvalidSetting.__name__,
        "text": "the setting `count` must be a number",
    }


def test_at_build_nothing_can_be_read_and_the_import_waits() -> None:
    host = _host.BuildHost()
    for read in (
        lambda: host.get_credential("erp"),
        lambda: host.get_setting("fast"),
        host.all_settings,
    ):
        _phase.result_was_read = False
        with pytest.raises(ResultNotReady):
            read()
        assert _phase.result_was_read
    _phase.result_was_read = False
    host.set_setting("fast", "true")
    host.unset_setting("fast")
    assert not _phase.result_was_read


def test_an_app_that_reads_a_credential_while_imported_works(cell: Start, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (tmp_path / "main.py").write_text(
        "import skep\nTOKEN = skep.credentials.get('erp')\ndef execute(data):\n    return TOKEN\n"
    )
    process = cell(tmp_path)
    assert process.load()["ok"] is None
    assert process.result({}) == "the token"


def test_outside_a_cell_the_harness_gives_them(tmp_path: Path) -> None:
    _host.use(_host.NoHost())
    for read in (skep.credentials.get, skep.settings.get, skep.settings.unset):
        with pytest.raises(NotInCell, match=r"skep\.testing"):
            read("erp")
    (tmp_path / "main.py").write_text(MAIN)
    app = skep.testing.App(tmp_path, credentials={"erp": "secret"}, settings={"fast": False})

    def call(module: str, function: str, *arguments: Any) -> Any:
        return app.call({"module": module, "function": function, "arguments": arguments})

    assert call("credentials", "get", "erp") == "secret"
    assert call("credentials", "get", "other")["raised"] == CredentialNotSet.__name__
    assert call("settings", "all") == {"fast": False}
    call("settings", "set", "fast", True)
    assert call("settings", "get", "fast") is True
    call("settings", "unset", "fast")
    assert call("settings", "get", "fast") is None
