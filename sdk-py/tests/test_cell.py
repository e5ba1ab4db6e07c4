"""The component's entry module, run whole: build, load, calls, failures."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cell_process import BuildFailure

Start = Any


@pytest.fixture
def torture(cell: Start) -> Any:
    process = cell("torture-app")
    answer = process.load()
    assert answer["failure" if "failure" in answer else "ok"] is None, answer
    return process


def bundle(folder: Path, **files: str) -> Path:
    """Writes a bundle; `main` is `main.py`, and `__` in a name is a slash."""
    for name, text in {"manifest": "{}", **files}.items():
        suffix = ".json" if name == "manifest" else ".py"
        path = folder / (name.replace("__", "/") + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_load_runs_module_level_code_with_the_database(cell: Start, dsn: str) -> None:
    answer = cell("torture-app").load()

    assert answer["ok"] is None
    assert ["info", "[torture] migration ok"] in [line[:2] for line in answer["log"]]
    assert answer["printed"].startswith("printed while importing")
    with psycopg.connect(dsn) as conn:
        assert conn.execute("SELECT count(*) FROM torture_items").fetchone() == (0,)
        assert conn.execute("SELECT torture_twice(4)").fetchone() == (8,)


def test_every_style_of_import_works(torture: Any) -> None:
    assert torture.result({"action": "imports"}) == {
        "lib": "tinylib",
        "namespace": "3 items",
        "relative": "utils",
        "bare": "utils",
        "package": "A!",
        "file": "/app/main.py",
        "name": "skep_bundle.main",
    }


def test_modules_imported_inside_functions_are_there(torture: Any) -> None:
    answer = torture.result({"action": "lazy"})

    assert answer["late"] == 42
    assert answer["toml"] == {"a": 1}
    assert answer["date"] == "2026-03-01T00:00:00"
    assert answer["idna"] == "xn--bcher-kva.example"


def test_an_app_reads_its_own_files_and_writes_none(torture: Any) -> None:
    assert torture.result({"action": "files"}) == {
        "open": "some notes",
        "glob": ["001_items.sql"],
        "listdir": ["migrations", "notes.txt"],
        "walk": ["001_items.sql", "notes.txt"],
        "exists": [True, False],
        "resources": "resource text",
        "scratch": "scratch",
        "written": "The bundle is read-only",
    }


def test_coroutines_run_to_their_end(torture: Any, cell: Start, tmp_path: Path) -> None:
    assert torture.result({"action": "async"}) == {"value": 5}

    app = cell(
        bundle(
            tmp_path,
            main="""
import asyncio
async def half(x):
    await asyncio.sleep(0)
    return x / 2
async def execute(data, conn):
    with conn.cursor() as cur:
        cur.execute("SELECT 8")
        n = cur.fetchone()[0]
    both = await asyncio.gather(half(n), asyncio.to_thread(int, "3"))
    try:
        await asyncio.wait_for(asyncio.sleep(5), 0.01)
    except TimeoutError:
        both.append("late")
    if data.get("hang"):
        await asyncio.Event().wait()
    asyncio.ensure_future(asyncio.sleep(60))
    return both
""",
        )
    )
    assert app.result({}) == [4.0, 3, "late"]
    assert "cannot happen in a cell" in app.execute({"hang": 1})["failure"]["message"]
    assert app.result({}) == [4.0, 3, "late"]


def test_the_environment_holds_the_address_and_nothing_of_the_build(torture: Any) -> None:
    assert torture.result({"action": "env"}) == {"DATABASE_URL": "postgresql://skep/app"}


def test_cells_of_one_snapshot_would_draw_different_numbers(torture: Any) -> None:
    first = torture.result({"action": "random"})["value"]
    second = torture.result({"action": "random"})["value"]

    assert first != second


def test_what_is_printed_and_logged_arrives_once(torture: Any) -> None:
    answer = torture.execute({"action": "log"})

    assert answer["printed"] == "to stdout\n"
    assert [line[:2] for line in answer["log"]] == [
        ["debug", "debugged"],
        ["error", "went wrong: here"],
    ]
    assert "ZeroDivisionError" in json.loads(answer["log"][1][2])["traceback"]


def test_a_call_commits_on_return_and_undoes_on_failure(torture: Any) -> None:
    assert torture.result({"action": "insert", "name": "kept"}) == {"ok": True}
    failed = torture.execute({"action": "insert", "name": "lost", "fail": 1})

    assert failed["failure"]["message"] == "after insert"
    assert failed["sessions"] == 0
    assert torture.result({"action": "rows"})["rows"] == [{"name": "kept", "n": 1}]


def test_a_result_that_is_no_json_undoes_the_call(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""
import psycopg2
with psycopg2.connect("") as c, c.cursor() as cur:
    cur.execute("CREATE TABLE IF NOT EXISTS n (n int)")
def execute(data, conn=None):
    cur = conn.cursor()
    cur.execute("INSERT INTO n VALUES (1)" if data else "SELECT count(*) FROM n")
    return {1, 2} if data else cur.fetchone()[0]
""",
        )
    )
    app.load()
    failure = app.execute({"a": 1})["failure"]

    assert failure["message"] == "response serialization failed"
    assert failure["trace"] == "result is a set, which JSON cannot hold"
    assert app.result({}) == 0


def test_connections_that_an_app_leaks_are_rolled_back(torture: Any) -> None:
    answer = torture.execute({"action": "insert", "name": "kept", "leak": 1})

    assert json.loads(answer["ok"]) == {"ok": True}
    assert answer["sessions"] == 0
    assert torture.result({"action": "rows"})["rows"] == [{"name": "kept", "n": 1}]


def test_a_call_that_asks_nothing_of_the_database_does_not_reach_it(torture: Any) -> None:
    assert torture.execute({"action": "nan"})["statements"] == []


@pytest.mark.parametrize(
    ("kind", "name", "message"),
    [
        ("exit", "SystemExit", "3"),
        ("interrupt", "KeyboardInterrupt", ""),
        ("recursion", "RecursionError", "maximum recursion depth exceeded"),
        ("set", "TypeError", "response serialization failed"),
        ("cycle", "TypeError", "response serialization failed"),
        ("chain", "ValueError", "chained"),
        ("own", "OwnError", "own text"),
    ],
)
def test_every_way_to_fail_is_a_failure(torture: Any, kind: str, name: str, message: str) -> None:
    failure = torture.execute({"action": "fail", "kind": kind})["failure"]

    assert failure["name"] == name
    assert failure["message"].startswith(message)
    assert torture.result({"action": "none"}) == ["not", "a", "dict"]


def test_a_trace_shows_the_apps_own_lines_only(torture: Any) -> None:
    trace = torture.execute({"action": "fail", "kind": "chain"})["failure"]["trace"]

    assert 'File "main.py", line' in trace
    assert '{}["missing"]' in trace
    assert "direct cause" in trace
    assert "skep/" not in trace
    assert "/app/" not in trace


def test_a_commit_that_keeps_nothing_is_logged(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""
def execute(data, conn):
    try:
        conn.cursor().execute("SELECT 1/0")
    except Exception:
        pass
    return {"ok": True}
""",
        )
    )
    answer = app.execute({})

    assert answer["ok"] == '{"ok": true}'
    assert [line[0] for line in answer["log"]] == ["warn"]
    assert "nothing of the transaction was kept" in answer["log"][0][1]


def test_a_failing_commit_fails_the_call(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""
import psycopg2
with psycopg2.connect("") as c, c.cursor() as cur:
    cur.execute("CREATE TABLE IF NOT EXISTS p (id int PRIMARY KEY)")
    cur.execute('''CREATE TABLE IF NOT EXISTS k
        (p int REFERENCES p DEFERRABLE INITIALLY DEFERRED)''')
def execute(data, conn):
    conn.cursor().execute("INSERT INTO k VALUES (1)")
    return {}
""",
        )
    )
    app.load()

    assert app.execute({})["failure"]["name"] == "ForeignKeyViolation"


def test_an_app_that_reads_the_database_while_imported_waits_for_its_call(
    cell: Start, dsn: str
) -> None:
    app = cell("deferred-app")
    assert app.load()["ok"] is None

    again = cell("deferred-app")
    answer = again.execute({})
    assert json.loads(answer["ok"]) == {"colour": "green"}
    assert not any(statement.startswith("CREATE") for statement in answer["statements"])
    assert again.execute({})["statements"] == []


def test_an_app_may_swallow_the_error_of_an_unready_result(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""
import psycopg2
try:
    cur = psycopg2.connect("").cursor()
    cur.execute("SELECT 5")
    FIVE = cur.fetchone()[0]
except Exception:
    FIVE = None
execute = lambda data: FIVE
""",
        )
    )

    assert app.result({}) == 5


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (
            {"main": "import os\nx = undefined\n"},
            {"file": "main.py", "line": 2, "name": "NameError"},
        ),
        (
            {"main": "def execute(data)\n    pass\n"},
            {"file": "main.py", "line": 1, "name": "SyntaxError", "message": "expected ':'"},
        ),
        (
            {"main": "import helper\n", "helper": "\n\n1 / 0\n"},
            {"file": "helper.py", "line": 3, "name": "ZeroDivisionError"},
        ),
        (
            {"main": "import numpy\n"},
            {"file": "main.py", "line": 1, "name": "ModuleNotFoundError"},
        ),
        (
            {"main": "execute = 5\n"},
            {
                "file": "main.py",
                "message": "main.py does not expose a callable execute(data) function",
            },
        ),
        ({"other": "x = 1\n"}, {"file": "main.py", "message": "the bundle has no main.py"}),
        ({"main": "import sys\nsys.exit('bye')\n"}, {"line": 2, "name": "SystemExit"}),
    ],
)
def test_a_bundle_that_cannot_run_fails_the_build_with_its_place(
    cell: Start, tmp_path: Path, files: dict[str, str], expected: dict[str, Any]
) -> None:
    with pytest.raises(BuildFailure) as raised:
        cell(bundle(tmp_path, **files))

    report = raised.value.report
    assert {name: report[name] for name in expected} == expected
    assert "/app/" not in json.dumps(report)


def test_a_broken_file_that_nobody_imports_is_no_error(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="import good\ndef execute(data):\n    return good.X\n",
            libs__good="X = 1\n",
            libs__python2="print 'old'\n",
        )
    )

    assert app.result({}) == 1


def test_a_failing_load_names_file_and_line(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""import psycopg2
with psycopg2.connect("") as c, c.cursor() as cur:
    cur.execute("CREATE TABL x ()")
def execute(data):
    return {}
""",
        )
    )
    failure = app.load()["failure"]

    assert failure["name"] == "SyntaxError"
    assert 'File "main.py", line 3' in failure["trace"]


def test_conn_is_given_by_name_only(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="def execute(data, other=1, *, conn=None, **rest):\n"
            "    return [other, conn is not None, rest]\n",
        )
    )

    assert app.result({}) == [1, True, {}]


def test_the_caller_is_known(cell: Start, tmp_path: Path) -> None:
    app = cell(
        bundle(
            tmp_path,
            main="""
import skep
at_import = skep.caller.current()
def execute(data):
    who = skep.caller.current()
    skep.log.warn("seen", who=who.username)
    rows = skep.db.execute("SELECT $1::int + 1 AS n, $2::text[] AS t", [1, ["a"]])
    return [who.user_id, who.may("sales:access"), who.may("x"), at_import, skep.caller.call_id(),
            rows.dicts()]
""",
        )
    )
    answer = app.execute({})

    assert json.loads(answer["ok"]) == ["u1", True, False, None, "call-1", [{"n": 2, "t": ["a"]}]]
    assert answer["log"] == [["warn", "seen", '{"who": "ann"}']]


def test_a_build_sends_no_request_and_leaves_the_import_to_the_call(
    cell: Start, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]

        app = cell(
            bundle(
                tmp_path,
                main=f"""
import urllib.request
RATES = urllib.request.urlopen("http://127.0.0.1:{port}/rates").read()
def execute(data):
    return RATES
""",
            )
        )

        with pytest.raises(BlockingIOError):
            listener.accept()
        # The import is the call's now, and there the request goes to the host.
        failed = app.execute({})["failure"]
        assert "OutgoingRequest" in failed["message"] or "Fields" in failed["message"], failed
        with pytest.raises(BlockingIOError):
            listener.accept()
