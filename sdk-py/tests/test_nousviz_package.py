"""`nousviz_sdk` as a package: its names, events, routers, and its place in a component."""

from __future__ import annotations

import importlib
import json
import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nousviz_sdk
from nousviz_sdk.logging import log_event

Bindings = Any
Start = Any


def test_what_skep_has_not_says_so() -> None:
    for name in ("auth", "oauth", "issue_admin_session_cookie", "start_oauth_flow"):
        with pytest.raises(ImportError, match=f"{name} is not there: Skep has no "):
            getattr(nousviz_sdk, name)
    with pytest.raises(ImportError, match="Skep has no OAuth"):
        from nousviz_sdk import oauth  # noqa: F401
    with pytest.raises(AttributeError, match="nonsense"):
        nousviz_sdk.nonsense  # noqa: B018


def test_sync_and_testing_are_modules_of_their_own() -> None:
    for name in ("sync", "testing", "logging"):
        assert importlib.import_module(f"nousviz_sdk.{name}")
        assert name not in nousviz_sdk.__all__


# Events


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("info", "info"),
        ("INFO", "info"),
        ("warn", "warn"),
        ("Warning", "warn"),
        ("error", "error"),
        ("debug", "info"),
        ("nonsense", "info"),
    ],
)
def test_an_event_is_a_line_of_the_log(bindings: Bindings, level: str, written: str) -> None:
    log_event(level, "synced", detail={"rows": 5})
    assert bindings.log.lines == [(written, "synced", '{"rows": 5}')]


@pytest.mark.parametrize(
    ("detail", "written"),
    [(None, None), ({}, None), ([1], {"detail": [1]}), ({"at": Path("/x")}, {"at": "/x"})],
)
def test_the_detail_of_an_event_is_json(bindings: Bindings, detail: Any, written: Any) -> None:
    log_event("info", "synced", detail)
    [(_, _, text)] = bindings.log.lines
    assert (None if text is None else json.loads(text)) == written


def test_a_long_message_is_cut(bindings: Bindings) -> None:
    log_event("info", "x" * 3000)
    assert bindings.log.lines[0][1] == "x" * 2000


def test_an_event_never_raises_but_for_a_level_that_is_no_text(
    bindings: Bindings, capsys: Any
) -> None:
    log_event("info", "odd", {(1, 2): 3})
    assert bindings.log.lines == []
    assert "[nousviz_sdk] INFO (log write failed: " in capsys.readouterr().err
    with pytest.raises(AttributeError):
        log_event(None, "x")  # type: ignore[arg-type]


def test_outside_a_cell_events_go_to_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, caplog: Any
) -> None:
    monkeypatch.delenv("NOUSVIZ_PLUGIN_ID", raising=False)
    log_event("warning", "synced")
    assert capsys.readouterr().err == "[nousviz_sdk] WARN (no NOUSVIZ_PLUGIN_ID): synced\n"
    assert caplog.records == []


def test_outside_a_cell_a_handler_that_keeps_records_gets_them(
    monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("NOUSVIZ_PLUGIN_ID", "shop")
    log_event("warn", "100 % synced", {"rows": 5})
    [record] = caplog.records
    assert (record.name, record.levelno) == ("nousviz.plugin.shop", logging.WARNING)
    assert record.getMessage() == "100 % synced"
    assert (record.source_override, record.detail, record.plugin_id) == (
        "plugin",
        {"rows": 5},
        "shop",
    )


def test_without_such_a_handler_stderr_gets_them(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("NOUSVIZ_PLUGIN_ID", "shop")
    monkeypatch.setattr(logging.getLogger("nousviz"), "propagate", False)
    log_event("error", "broken")
    assert capsys.readouterr().err == "[nousviz_sdk] ERROR (not in a cell): broken\n"


# Routers


def test_a_router_has_the_plugin_s_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    # Stands for a FastAPI in the bundle: what is checked is what it is asked for.
    fastapi: Any = ModuleType("fastapi")
    fastapi.APIRouter = lambda **options: options
    monkeypatch.setitem(sys.modules, "fastapi", fastapi)
    assert nousviz_sdk.router_for_plugin("shop") == {
        "prefix": "/api/plugins/shop",
        "tags": ["shop"],
    }


def test_without_fastapi_a_router_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(ImportError, match="bundle's folder `libs`"):
        nousviz_sdk.router_for_plugin("shop")


# In a cell

MAIN = """
import sys
import nousviz_sdk
from nousviz_sdk import get_credential, get_pg_conn, get_setting, log_event, settings
from nousviz_sdk.sync import BaseSyncScript
from nousviz_sdk.testing import use_test_credentials

class Sync(BaseSyncScript):
    plugin_id = "shop"
    def run(self, since=None):
        with get_pg_conn() as conn:
            conn.cursor().execute("INSERT INTO t VALUES (1)")
        self.log_sync_result(rows_synced=1)

with get_pg_conn() as conn:
    conn.cursor().execute("CREATE TABLE IF NOT EXISTS t (id int)")

def execute(data):
    match data["do"]:
        case "read":
            settings.set_setting("shop", "count", 0)
            log_event("info", "read")
            return [get_credential("shop", "erp"), settings.list_settings("shop")]
        case "other":
            try:
                return get_credential("bank", "erp")
            except nousviz_sdk.CredentialBrokerError as error:
                return str(error)
        case "sync":
            # What a component finds.
            sys.argv = []
            return Sync().main(["--full"])
"""


def test_a_plugin_runs_in_a_cell(cell: Start, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"app_name": "shop"}')
    (tmp_path / "main.py").write_text(MAIN)
    app = cell(tmp_path)
    assert app.load().get("failure") is None

    answer = app.execute({"do": "read"})
    assert json.loads(answer["ok"]) == ["the token", {"count": 0, "fast": False}]
    assert ["info", "read", None] in answer["log"]
    assert "broker denied" in app.result({"do": "other"})
    answer = app.execute({"do": "sync"})
    assert json.loads(answer["ok"])["data"]["rows_written"] == 1
    assert answer["sessions"] == 0
    [(level, message, _)] = answer["log"]
    assert (level, message) == ("info", "Sync result: 1 synced, 0 failed")


def test_what_is_missing_fails_the_build_in_plain_words(cell: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from nousviz_sdk import start_oauth_flow\n")
    with pytest.raises(Exception, match="Skep has no OAuth sign-ins of plugins") as caught:
        cell(tmp_path)
    report: Any = caught.value
    assert (report.report["file"], report.report["line"]) == ("main.py", 1)


def test_a_bundle_that_does_not_speak_of_it_does_not_carry_it(cell: Start, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import sys\ndef execute(data):\n    return sorted(m for m in sys.modules if 'nous' in m)\n"
    )
    assert cell(tmp_path).result({}) == []
