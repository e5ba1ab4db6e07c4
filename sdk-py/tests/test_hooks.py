"""Hooks and tasks: what a manifest names, in the cell's own process and in tests of authors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cell_process import BuildFailure

import skep.testing
from skep import hooks, jobs

HOOKS = """
import os

from skep.hooks import HookResult


def nothing(ctx):
    pass


def result(ctx):
    return HookResult(ok=True, message="made", data={"for": ctx.app, "hook": ctx.hook})


def told(ctx):
    return {"message": f"{ctx.plugin_id} {ctx.hook_name} {ctx.run_id}", "data": ctx.payload}


def refused(ctx, conn):
    conn.cursor().execute("INSERT INTO notes VALUES ('refused')")
    return {"ok": False, "message": "not now"}


def kept(ctx, conn):
    conn.cursor().execute("INSERT INTO notes VALUES ('kept')")


def odd(ctx):
    return 5


def broken(ctx):
    raise ValueError("no such thing")


def ends(ctx):
    raise SystemExit(3)


def bare():
    return {"message": "called"}


async def later(ctx):
    return {"message": "awaited"}


def sync(data, conn, report_progress):
    report_progress(50)
    conn.cursor().execute("INSERT INTO notes VALUES (%s)", (data["text"],))
    return {"given": sorted(data), "actions": len(data)}


def fails(data):
    raise KeyError("x")
"""

NAMES = ("nothing", "result", "told", "refused", "kept", "odd", "broken", "ends", "bare", "later")


@pytest.fixture
def bundle(tmp_path: Path) -> Callable[..., Path]:
    """Makes a bundle whose hooks and tasks are the functions of `HOOKS`, by their own names."""

    def make(**fields: Any) -> Path:
        manifest: dict[str, Any] = {
            "app_name": "shop",
            "version": "1.0.0",
            # The host knows which names there are; the SDK takes them all.
            "hooks": {name: f"parts/hooks.py:{name}" for name in NAMES},
            "tasks": {
                "sync": {"run": "parts.hooks:sync"},
                "fails": {"run": "parts.hooks:fails"},
            },
        }
        manifest |= fields
        (tmp_path / "parts").mkdir()
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        (tmp_path / "main.py").write_text("def execute(data):\n    return data\n")
        (tmp_path / "parts" / "hooks.py").write_text(HOOKS)
        return tmp_path

    return make


def test_a_hook_says_what_it_came_to(cell: Any, bundle: Callable[..., Path]) -> None:
    app = cell(bundle())

    def outcome(name: str, payload: Any = None) -> Any:
        answer = app.hook(name, payload or {})
        assert "ok" in answer, answer
        return json.loads(answer["ok"])

    nothing = {"ok": True, "message": None, "data": None}
    assert outcome("nothing") == nothing
    data = {"for": "shop", "hook": "result"}
    assert outcome("result") == {"ok": True, "message": "made", "data": data}
    told = outcome("told", {"from": "1.0.0"})
    # The data of a dictionary is what it has under that key.
    assert told == {"ok": True, "message": "shop told 7", "data": {"from": "1.0.0"}}
    assert outcome("bare")["message"] == "called"
    assert outcome("later")["message"] == "awaited"
    odd = outcome("odd")
    assert odd["ok"] is False
    assert odd["message"] == "hook returned unexpected type int, expected HookResult"
    broken = outcome("broken")
    assert (broken["ok"], broken["message"]) == (False, "ValueError: no such thing")
    assert "parts/hooks.py" in broken["data"]["traceback"]
    assert len(broken["data"]["traceback"]) <= 2000
    assert outcome("unknown")["message"] == "the manifest names no `unknown`"
    assert app.hook("ends", {})["failure"]["name"] == "SystemExit"


def test_a_hook_that_did_not_succeed_leaves_nothing_behind(
    cell: Any, bundle: Callable[..., Path], dsn: str
) -> None:
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as host:
        host.execute("CREATE TABLE notes (text text)")
        app = cell(bundle())

        app.hook("refused", {}, job=False)
        assert host.execute("SELECT * FROM notes").fetchall() == []
        # One that is no job's, as `on_uninstall`, is committed at once.
        app.hook("kept", {}, job=False)
        assert host.execute("SELECT * FROM notes").fetchall() == [("kept",)]


def test_a_task_is_given_what_execute_is(cell: Any, bundle: Callable[..., Path], dsn: str) -> None:
    import psycopg

    with psycopg.connect(dsn, autocommit=True) as host:
        host.execute("CREATE TABLE notes (text text)")
        app = cell(bundle())

        answer = app.task("sync", {"_job_id": "7", "text": "x"})
        assert json.loads(answer["ok"]) == {"given": ["_job_id", "text"], "actions": 2}
        failure = app.task("fails", {})["failure"]
        assert (failure["name"], failure["message"]) == ("KeyError", "'x'")
        assert app.task("other", {})["failure"]["name"] == "TargetMissing"


@pytest.mark.parametrize(
    ("fields", "file", "message"),
    [
        (
            {"hooks": {"on_install": "parts/gone.py:run"}},
            "manifest.json",
            "`hooks.on_install` names `parts.gone:run`, and the bundle has no file parts/gone.py:"
            " add it, or name another",
        ),
        (
            {"tasks": {"sync": {"run": "parts.hooks:gone"}}},
            "parts/hooks.py",
            "`tasks.sync.run` of the manifest names the function `gone`, which is not there:"
            " define it, or name another",
        ),
    ],
)
def test_a_function_that_is_not_there_fails_the_build(
    cell: Any, bundle: Callable[..., Path], fields: Any, file: str, message: str
) -> None:
    with pytest.raises(BuildFailure) as failure:
        cell(bundle(**fields))

    assert failure.value.report["file"] == file
    assert failure.value.report["message"] == message


@pytest.mark.parametrize(
    "source",
    [
        "from parts.other import run",
        "from parts.other import *",
        "import run",
        "run = print",
        "try:\n    pass\nfinally:\n    async def run(ctx): pass",
    ],
)
def test_a_function_counts_as_there_however_it_got_its_name(
    cell: Any, bundle: Callable[..., Path], source: str
) -> None:
    folder = bundle(hooks={"on_install": "parts.late:run"}, tasks={})
    (folder / "parts" / "late.py").write_text(source)

    assert cell(folder).result({}) == {}


def test_a_context_has_the_names_of_both_contracts() -> None:
    context = hooks.HookContext("shop", "on_install", "00000000-0000-0000-0000-0000000000ff")

    assert (context.plugin_id, context.hook_name, context.run_id) == ("shop", "on_install", 255)
    assert hooks.HookContext("shop", "on_uninstall").run_id is None


def test_authors_call_hooks_and_tasks_in_their_tests(bundle: Callable[..., Path]) -> None:
    folder = bundle()
    (folder / "parts" / "hooks.py").write_text(
        """
def told(ctx):
    return {"message": ctx.app, "data": ctx.payload}


def broken(ctx):
    raise ValueError("no such thing")


def sync(data):
    return {"given": data}
"""
    )
    app = skep.testing.App(folder)

    told = app.hook("told", {"a": 1})
    assert told == {"ok": True, "message": "shop", "data": {"a": 1}}
    assert app.hook("broken")["message"] == "ValueError: no such thing"
    assert app.task("sync", {"a": 1}) == {"given": {"a": 1}}


def test_a_task_is_queued_by_its_name(db: Any) -> None:
    from wit_world.imports import jobs as bindings

    bindings.queued.clear()
    jobs.enqueue({"a": 1}, task="sync")

    assert [(request.task, request.payload) for _, request in bindings.queued] == [
        ("sync", '{"a": 1}')
    ]
    bindings.queued.clear()
