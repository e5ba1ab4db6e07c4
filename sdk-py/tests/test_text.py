"""The parts that are only about text: splitting, composing, JSON."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from psycopg2 import _split, sql
from skep import _json


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT 1", ["SELECT 1"]),
        ("SELECT 1;", ["SELECT 1"]),
        ("SELECT 1; SELECT 2", ["SELECT 1", " SELECT 2"]),
        ("", []),
        (" ; ;; -- only ; this", []),
        ("/* a ; /* b ; */ c ; */ SELECT 1", ["/* a ; /* b ; */ c ; */ SELECT 1"]),
        ("SELECT ';'; SELECT \";\"", ["SELECT ';'", ' SELECT ";"']),
        ("SELECT 'it''s;'; X", ["SELECT 'it''s;'", " X"]),
        (r"SELECT E'\';'; X", [r"SELECT E'\';'", " X"]),
        (r"SELECT '\'; X", [r"SELECT '\'", " X"]),
        (r"SELECT '\'';'; X", [r"SELECT '\'';'", " X"]),
        ("DO $$ a; b $$; X", ["DO $$ a; b $$", " X"]),
        ("DO $x$ a; $$ ; $x$; X", ["DO $x$ a; $$ ; $x$", " X"]),
        ("SELECT a$b; SELECT $1", ["SELECT a$b", " SELECT $1"]),
        ("SELECT 1 -- it's; fine\n; X", ["SELECT 1 -- it's; fine\n", " X"]),
        (
            "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; X",
            [
                "CREATE FUNCTION f() BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
                " X",
            ],
        ),
    ],
)
def test_a_text_is_cut_where_postgresql_would(text: str, expected: list[str]) -> None:
    assert _split.statements(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  -- x\n /* y */ select 1", "SELECT"),
        ("(SELECT 1)", "SELECT"),
        ("", ""),
        ("create table t ()", "CREATE"),
    ],
)
def test_the_keyword_is_the_first_word(text: str, expected: str) -> None:
    assert _split.keyword(text) == expected


def test_statements_are_composed_of_quoted_names_and_literals() -> None:
    composed = sql.SQL("SELECT {}, {n} FROM {t} WHERE {} = {v} AND x IN ({p})").format(
        sql.Identifier('od"d'),
        sql.Identifier("s", "c"),
        n=sql.SQL(", ").join([sql.Identifier("a"), sql.Identifier("b")]),
        t=sql.Identifier("s", "t"),
        v=sql.Literal("it's"),
        p=sql.SQL(", ").join(sql.Placeholder() * 2),
    )

    assert composed.as_string(None) == (
        'SELECT "od""d", "a", "b" FROM "s"."t" WHERE "s"."c" = \'it\'\'s\' AND x IN (%s, %s)'
    )
    assert (sql.SQL("a ") + sql.Placeholder("n")).as_string(None) == "a %(n)s"
    assert sql.Composed([sql.SQL("a"), sql.SQL("b")]).join("-").as_string(None) == "a-b"


def test_composing_refuses_plain_text() -> None:
    with pytest.raises(TypeError):
        sql.SQL("{}").format("text")
    with pytest.raises(TypeError):
        sql.Identifier(5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "\u00fc"}, '{"a": "\\u00fc"}'),
        ({1: 2, None: 3, 1.5: 5}, '{"1": 2, "null": 3, "1.5": 5}'),
        ([math.nan, math.inf, -math.inf, 1.0], "[null, null, null, 1.0]"),
        ({"a": {"b": [math.nan]}}, '{"a": {"b": [null]}}'),
        ((1, 2), "[1, 2]"),
    ],
)
def test_results_become_json_that_browsers_read(value: Any, expected: str) -> None:
    assert _json.dumps(value) == expected


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"a": [{"b": {1}}]}, "result['a'][0]['b'] is a set"),
        (Decimal("1"), "result is a Decimal"),
        ({"x": {(1, 2): 3}}, "result['x'] has a key of type tuple"),
        ([math.nan, {"d": object()}], "result[1]['d'] is a object"),
    ],
)
def test_what_cannot_be_json_is_named(value: Any, named: str) -> None:
    with pytest.raises(_json.NotSerializable) as raised:
        _json.dumps(value)

    assert str(raised.value).startswith(named)


def test_a_cycle_and_a_deep_nest_are_refused() -> None:
    cycle: dict[str, Any] = {"nan": math.nan}
    cycle["self"] = cycle
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(_json.NotSerializable, match="contains itself"):
        _json.dumps(cycle)
    with pytest.raises(_json.NotSerializable, match="nested too deeply"):
        _json.dumps(deep)
