"""Statements that a manifest names, run by `query`: in a cell, and in an app's own tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from skep import _queries

ROOT = Path(__file__).parents[1]

MANIFEST = {
    "app_name": "shop-1",
    "actions": [
        {"name": "sold", "display_name": "Sold"},
        {
            "name": "add",
            "type": "mutation",
            "sql": "INSERT INTO items (code, price) VALUES ($1, $2) RETURNING code",
            "params": [{"name": "code"}, {"name": "price", "type": "numeric"}],
        },
        {"name": "all", "type": "query", "sql": "SELECT * FROM items ORDER BY code", "params": []},
        {"name": "any", "type": "query", "sql": "SELECT code FROM items WHERE code = ANY($1)"},
        {"name": "echo", "type": "query", "sql": "SELECT $1::int + 1 AS next"},
        {
            "name": "values",
            "type": "query",
            "sql": """SELECT 123456789012345::numeric AS whole, 1234567890123456::numeric AS much,
                0.5::numeric AS half, 'NaN'::numeric AS nan, '{"a": [1]}'::jsonb AS json,
                '2026-03-01 12:30:00.5+01'::timestamptz AS moment, '2026-03-01'::date AS day,
                'infinity'::timestamptz AS never, '2026-03-01 12:30'::timestamp AS local,
                '\\x00ff'::bytea AS bytes, ARRAY[1.5, NULL]::numeric[] AS list,
                0.1::float4 AS small, 9007199254740993 AS big, NULL AS nothing,
                'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS id, true AS yes""",
        },
    ],
}

MAIN = """
def execute(data, query=None):
    try:
        return {"rows": query(data["name"], data.get("params"))}
    except RuntimeError as error:
        return {"status": error.status, "query": error.query, "error": str(error)}
"""

VALUES = {
    "whole": 123456789012345,
    "much": "1234567890123456",
    "half": 0.5,
    "nan": "NaN",
    "json": {"a": [1]},
    "moment": "2026-03-01T11:30:00.5Z",
    "day": "2026-03-01",
    "never": "infinity",
    "local": "2026-03-01T12:30:00",
    "bytes": "\\x00ff",
    "list": [1.5, None],
    "small": 0.1,
    "big": 9007199254740993,
    "nothing": None,
    "id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "yes": True,
}


def bundle(folder: Path, main: str = MAIN) -> Path:
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "main.py").write_text(main)
    return folder


@pytest.fixture
def shop(cell: Any, dsn: str, tmp_path: Path) -> Any:
    with psycopg.connect(dsn) as conn:
        conn.execute("CREATE TABLE items (code text PRIMARY KEY, price numeric(8,2))")
    return cell(bundle(tmp_path))


def run(app: Any, name: Any, params: Any = None) -> Any:
    return app.result({"name": name, "params": params})


def test_values_are_given_by_name_by_place_or_alone(shop: Any) -> None:
    assert run(shop, "add", {"price": 1.5, "code": "a", "other": 1}) == {"rows": [{"code": "a"}]}
    assert run(shop, "add", {"code": "b"}) == {"rows": [{"code": "b"}]}
    assert run(shop, "add", ["c", "2"]) == {"rows": [{"code": "c"}]}
    rows = [{"code": "a", "price": 1.5}, {"code": "b", "price": None}, {"code": "c", "price": 2.0}]
    assert run(shop, "all") == {"rows": rows}
    assert run(shop, "any", [["a", "c"]]) == {"rows": [{"code": "a"}, {"code": "c"}]}
    assert run(shop, "echo", 4) == {"rows": [{"next": 5}]}
    # JSON has one kind of number.
    assert run(shop, "echo", 4.0) == {"rows": [{"next": 5}]}


def test_what_goes_wrong_has_a_status_and_names_the_statement(shop: Any) -> None:
    run(shop, "add", {"code": "a"})

    def failed(name: str, params: Any = None) -> tuple[int, str]:
        answer = run(shop, name, params)
        assert answer["query"] == name
        return answer["status"], answer["error"]

    status, text = failed("add", {"code": "a"})
    assert status == 400
    assert text.startswith("query 'add' failed (400): duplicate key value")
    assert failed("echo", "x")[0] == 400
    assert failed("sold")[0] == 404
    assert failed("echo", {"n": 1}) == (
        400,
        "query 'echo' has no parameter schema in manifest.json for app 'shop-1'",
    )
    assert shop.execute({"name": "all"})["sessions"] == 0


def test_rows_are_what_a_browser_can_read(shop: Any) -> None:
    assert run(shop, "values") == {"rows": [VALUES]}


def test_a_coroutine_awaits_its_query(cell: Any, tmp_path: Path) -> None:
    main = """
async def execute(data, query):
    both = [await query("echo", [n]) for n in (1, 2)]
    return [rows[0]["next"] for rows in both]
"""
    assert cell(bundle(tmp_path, main)).result({}) == [2, 3]


def test_an_app_s_own_tests_see_the_same(dsn: str, tmp_path: Path) -> None:
    tables = ["CREATE TABLE IF NOT EXISTS items (code text PRIMARY KEY, price numeric(8,2))"]
    bundle(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({**MANIFEST, "tables": tables}))
    script = f"""
import json, skep.testing
app = skep.testing.App({str(tmp_path)!r})
print(json.dumps([
    app.call({{"name": "values"}}),
    app.call({{"name": "add", "params": {{"code": "a", "price": 2}}}}),
    app.call({{"name": "all"}}),
    app.call({{"name": "add", "params": {{"code": "a"}}}}, rollback=False),
    app.call({{"name": "add", "params": {{"code": "a"}}}}),
    app.call({{"name": "any", "params": [["a"]]}}),
]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={"DATABASE_URL": dsn, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    values, added, undone, kept, twice, found = json.loads(ran.stdout)
    assert values == {"rows": [VALUES]}
    assert added == kept == {"rows": [{"code": "a"}]}
    assert undone == {"rows": []}
    assert twice["status"] == 400
    assert found == {"rows": [{"code": "a"}]}


def test_a_manifest_that_is_none_has_no_statements() -> None:
    for manifest in (None, b"{", b"[]", b'{"actions": 1}', b'{"actions": [1, {"sql": "x"}]}'):
        assert _queries.read(manifest) == {}
