"""Cursors of the compatible psycopg2, and what `extras` makes of them."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest

import psycopg2
import psycopg2.extensions
import psycopg2.extras


@pytest.fixture
def conn(db: Any) -> Any:
    conn = psycopg2.connect()
    with conn.cursor() as cur:
        cur.execute("CREATE TABLE t (id serial PRIMARY KEY, name text, doc jsonb)")
    conn.commit()
    return conn


@pytest.fixture
def cur(conn: Any) -> Any:
    return conn.cursor()


def test_rows_are_fetched_one_some_or_all(cur: Any) -> None:
    cur.execute("SELECT generate_series(1, 7)")

    assert cur.fetchone() == (1,)
    assert cur.fetchmany(2) == [(2,), (3,)]
    assert next(cur) == (4,)
    assert cur.rownumber == 4
    assert cur.fetchall() == [(5,), (6,), (7,)]
    assert cur.fetchone() is None
    assert cur.fetchall() == []


def test_scrolling_stays_inside_the_result(cur: Any) -> None:
    cur.execute("SELECT generate_series(1, 3)")

    cur.scroll(2)
    assert cur.fetchone() == (3,)
    cur.scroll(0, mode="absolute")
    assert cur.fetchone() == (1,)
    with pytest.raises(IndexError):
        cur.scroll(9)


def test_fetching_without_a_result_is_refused(cur: Any) -> None:
    with pytest.raises(psycopg2.ProgrammingError, match="no results to fetch"):
        cur.fetchone()
    cur.execute("SET LOCAL work_mem = '8MB'")
    with pytest.raises(psycopg2.ProgrammingError, match="no results to fetch"):
        cur.fetchall()


def test_a_closed_cursor_is_refused(cur: Any) -> None:
    with cur:
        cur.execute("SELECT 1")

    with pytest.raises(psycopg2.InterfaceError, match="cursor already closed"):
        cur.fetchone()


def test_executemany_counts_all_rows(cur: Any) -> None:
    cur.executemany("INSERT INTO t (name) VALUES (%s)", [("a",), ("b",), ("c",)])

    assert cur.rowcount == 3


def test_callproc_runs_a_function(cur: Any) -> None:
    cur.callproc("lower", ["ABC"])
    assert cur.fetchone() == ("abc",)
    cur.callproc("make_date", {"year": 2026, "month": 3, "day": 1})
    assert cur.fetchone() == (datetime.date(2026, 3, 1),)


@pytest.mark.parametrize(
    ("factory", "expected"),
    [
        (psycopg2.extras.RealDictCursor, {"a": 1, "b c": 2}),
        (psycopg2.extras.DictCursor, [1, 2]),
    ],
)
def test_rows_by_name(conn: Any, factory: Any, expected: Any) -> None:
    with conn.cursor(cursor_factory=factory) as cur:
        cur.execute('SELECT 1 AS a, 2 AS "b c"')
        row = cur.fetchone()

    assert row == expected
    assert row["b c"] == 2
    assert list(row.keys()) == ["a", "b c"]
    assert row.get("none", 5) == 5


def test_named_tuples_have_usable_names(conn: Any) -> None:
    with conn.cursor(cursor_factory=psycopg2.extras.NamedTupleCursor) as cur:
        cur.execute('SELECT 1 AS a, 2 AS "b c", 3 AS "1x"')
        row = cur.fetchone()

    assert (row.a, row.b_c, row.f1x) == (1, 2, 3)
    assert row == (1, 2, 3)


def test_a_connection_hands_its_cursor_factory_on(db: Any) -> None:
    conn = psycopg2.connect("", cursor_factory=psycopg2.extras.RealDictCursor)
    cur = conn.cursor()
    cur.execute("SELECT 1 AS one")

    assert cur.fetchall() == [{"one": 1}]


def test_execute_values_writes_pages_and_returns_all_rows(cur: Any, db: Any) -> None:
    db.statements.clear()
    rows = [(str(number), psycopg2.extras.Json({"n": number})) for number in range(5)]
    ids = psycopg2.extras.execute_values(
        cur, "INSERT INTO t (name, doc) VALUES %s RETURNING id", rows, page_size=2, fetch=True
    )

    assert ids == [(1,), (2,), (3,), (4,), (5,)]
    assert len(db.statements) == 3
    assert db.statements[2].endswith("""VALUES ('4','{"n": 4}') RETURNING id""")


def test_execute_values_with_a_template_of_names(cur: Any) -> None:
    psycopg2.extras.execute_values(
        cur, "INSERT INTO t (name) VALUES %s", [{"n": "x"}], template="(%(n)s || '%%')"
    )
    cur.execute("SELECT name FROM t")

    assert cur.fetchall() == [("x%",)]


def test_execute_batch_runs_every_statement(cur: Any) -> None:
    psycopg2.extras.execute_batch(
        cur, "INSERT INTO t (name) VALUES (%s)", [("a;b",), ("c",), ("d",)], page_size=2
    )
    cur.execute("SELECT name FROM t ORDER BY id")

    assert cur.fetchall() == [("a;b",), ("c",), ("d",)]


def test_a_named_cursor_reads_in_pages_and_survives_commit_when_held(conn: Any, db: Any) -> None:
    cur = conn.cursor(name='odd "name', withhold=True)
    cur.itersize = 2
    cur.execute("SELECT generate_series(1, %s)", (5,))
    conn.commit()
    db.statements.clear()

    assert [row[0] for row in cur] == [1, 2, 3, 4, 5]
    assert sum(statement.startswith("FETCH FORWARD 2") for statement in db.statements) == 4
    assert cur.description[0].name == "generate_series"
    cur.close()
    assert db.statements[-1].startswith("CLOSE")


def test_a_named_cursor_fetches_one_some_and_the_rest(conn: Any) -> None:
    with conn.cursor("plain") as cur:
        cur.execute("SELECT generate_series(1, 6)")

        assert cur.fetchone() == (1,)
        assert cur.fetchmany(2) == [(2,), (3,)]
        assert cur.fetchall() == [(4,), (5,), (6,)]
        assert cur.fetchone() is None


def test_uuid_columns_are_text_until_registered(conn: Any) -> None:
    value = uuid.UUID(int=7)
    cur = conn.cursor()
    cur.execute("SELECT %s::uuid", (str(value),))
    assert cur.fetchone() == (str(value),)

    psycopg2.extras.register_uuid(conn_or_curs=conn)
    cur.execute("SELECT %s, ARRAY[%s]", (value, value))
    assert cur.fetchone() == (value, [value])


def test_an_own_type_reads_what_postgresql_prints(conn: Any) -> None:
    caster = psycopg2.extensions.new_type(
        psycopg2.extensions.DECIMAL.values, "AS_FLOAT", lambda v, cur: v and float(v)
    )
    psycopg2.extensions.register_type(caster, conn)
    cur = conn.cursor()
    cur.execute("SELECT 1.5::numeric, NULL::numeric, ARRAY[1.5]::numeric[]")

    assert cur.fetchone() == (1.5, None, [1.5])


def test_an_own_adapter_writes_literals(cur: Any) -> None:
    class Point:
        x, y = 1, 2

    psycopg2.extensions.register_adapter(
        Point, lambda p: psycopg2.extensions.AsIs(f"'({p.x}, {p.y})'::point")
    )

    assert cur.mogrify("SELECT %s", (Point(),)) == b"SELECT '(1, 2)'::point"


def test_copy_is_refused_with_what_to_do_instead(cur: Any) -> None:
    with pytest.raises(psycopg2.NotSupportedError, match="execute_values"):
        cur.copy_from(None, "t")


def test_type_codes_compare_with_the_types_of_the_db_api(cur: Any) -> None:
    cur.execute("SELECT 1, 'a'::text, 1.5::numeric, now()")
    codes = [column.type_code for column in cur.description]

    assert codes[0] == psycopg2.NUMBER
    assert codes[1] == psycopg2.STRING
    assert codes[2] == psycopg2.extensions.DECIMAL
    assert codes[3] == psycopg2.DATETIME
    assert codes[1] != psycopg2.NUMBER
