"""Hooks: what they are called with, and what becomes of what they return."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nousviz_sdk.hooks import ALLOWED_HOOKS, HookContext, HookResult
from skep import _results

ROOT = Path(__file__).parents[1]


def test_the_hooks_are_four() -> None:
    assert isinstance(ALLOWED_HOOKS, frozenset)
    assert sorted(ALLOWED_HOOKS) == [
        "on_credentials_saved",
        "on_first_run_success",
        "on_install",
        "on_uninstall",
    ]


def test_a_context_is_made_by_its_fields() -> None:
    context = HookContext("shop", "on_install")
    assert (context.run_id, context.payload) == (None, {})
    assert HookContext("a", "b").payload is not context.payload


@pytest.mark.parametrize(
    ("run", "payload", "expected"),
    [
        ("7", '{"fields": ["a"]}', (7, {"fields": ["a"]})),
        ("-3", "[1]", (None, {})),
        ("x", "{", (None, {})),
    ],
)
def test_a_context_is_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, run: str, payload: str, expected: Any
) -> None:
    monkeypatch.setenv("NOUSVIZ_PLUGIN_ID", "shop")
    monkeypatch.setenv("NOUSVIZ_HOOK_NAME", "on_install")
    monkeypatch.setenv("NOUSVIZ_JOB_RUN_ID", run)
    monkeypatch.setenv("NOUSVIZ_HOOK_PAYLOAD", payload)
    context = HookContext.from_env()
    assert (context.plugin_id, context.hook_name) == ("shop", "on_install")
    assert (context.run_id, context.payload) == expected


def test_an_empty_environment_is_an_empty_context(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLUGIN_ID", "HOOK_NAME", "JOB_RUN_ID", "HOOK_PAYLOAD"):
        monkeypatch.delenv(f"NOUSVIZ_{name}", raising=False)
    assert HookContext.from_env() == HookContext("", "", None, {})


def test_a_result_is_json_of_three_keys() -> None:
    assert json.loads(HookResult(True).to_json()) == {"ok": True, "message": None, "data": None}
    assert json.loads(HookResult(False, "no", {"a": 1}).to_json()) == {
        "ok": False,
        "message": "no",
        "data": {"a": 1},
    }


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (None, (True, None, None)),
        ({}, (True, None, None)),
        ({"ok": False, "message": "m", "data": [1], "more": 1}, (False, "m", [1])),
        ({"ok": 0}, (False, None, None)),
        (HookResult(False, "m", 5), (False, "m", 5)),
        (True, (False, "hook returned unexpected type bool, expected HookResult", None)),
        ("ok", (False, "hook returned unexpected type str, expected HookResult", None)),
    ],
)
def test_what_a_hook_returns_is_read(returned: Any, expected: Any) -> None:
    ok, message, data = expected
    result = _results.run(lambda: returned)
    assert result == {"ok": ok, "message": message, "data": data}


def test_what_a_hook_raises_is_told_with_the_end_of_its_trace() -> None:
    def fail() -> None:
        raise ValueError("x" * 3000)

    result = _results.run(fail)
    assert not result["ok"]
    assert result["message"] == "ValueError: " + "x" * 3000
    assert result["data"]["traceback"] == "x" * 1999 + "\n"
    with pytest.raises(SystemExit):
        _results.run(sys.exit)


HOOKS = """
import sys
from nousviz_sdk.hooks import HookResult

def good(context):
    print("seen", context.plugin_id)
    return HookResult(True, context.hook_name, context.payload)

def bad(context):
    raise ValueError("broken")

def odd(context):
    return {"data": {1, 2}}
"""


@pytest.fixture
def run_hook(tmp_path: Path) -> Any:
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "life.py").write_text(HOOKS)

    def run(*arguments: str) -> Any:
        return subprocess.run(
            [sys.executable, "-B", "-m", "nousviz_sdk._hook_runner", *arguments],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'compat'}",
                "NOUSVIZ_PLUGIN_ID": "shop",
                "NOUSVIZ_HOOK_NAME": "on_install",
                "NOUSVIZ_HOOK_PAYLOAD": '{"a": 1}',
            },
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_hook_runs_as_a_program_whose_last_line_is_its_result(run_hook: Any) -> None:
    done = run_hook("hooks.life:good")
    assert done.returncode == 0, done.stderr
    first, last = done.stdout.splitlines()
    assert first == "seen shop"
    assert json.loads(last) == {"ok": True, "message": "on_install", "data": {"a": 1}}


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("hooks.life:bad", "ValueError: broken"),
        ("hooks.life:none", "function 'none' not found in module 'hooks.life'"),
        ("hooks.none:bad", "ModuleNotFoundError: No module named 'hooks.none'"),
    ],
)
def test_a_hook_that_fails_says_why(run_hook: Any, target: str, message: str) -> None:
    done = run_hook(target)
    assert done.returncode == 1
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["ok"], result["message"]) == (False, message)


def test_without_a_target_there_is_nothing_to_run(run_hook: Any) -> None:
    done = run_hook()
    assert done.returncode == 1
    assert json.loads(done.stdout) == {
        "ok": False,
        "message": "missing hook target arg",
        "data": None,
    }


def test_data_that_is_no_json_is_an_error_of_the_program(run_hook: Any) -> None:
    done = run_hook("hooks.life:odd")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "TypeError" in done.stderr
