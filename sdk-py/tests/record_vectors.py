"""Records what the real psycopg2 makes of many values: `vectors.json`.

Run it where psycopg2-binary and a PostgreSQL are; the suite itself needs only the
file. Each vector is Python source, so that the values can be made again.

    python tests/record_vectors.py "host=... dbname=..."
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
import random
import sys
import uuid
from pathlib import Path
from typing import Any

NAMES: dict[str, Any] = {
    "datetime": datetime,
    "Decimal": decimal.Decimal,
    "math": math,
    "uuid": uuid,
    "inf": math.inf,
    "nan": math.nan,
}

SCALARS = [
    "None",
    "True",
    "False",
    "0",
    "1",
    "-1",
    "2**70",
    "-(2**70)",
    "1.5",
    "-1.5",
    "0.1",
    "1e300",
    "-0.0",
    "1e-7",
    "nan",
    "inf",
    "-inf",
    "Decimal('1.50')",
    "Decimal('-0.1')",
    "Decimal('NaN')",
    "Decimal('Infinity')",
    "Decimal('1E+5')",
    "Decimal('-1E-9')",
    "''",
    "'plain'",
    '"it\'s"',
    "'back\\\\slash'",
    "'\\\\'",
    "'\\n\\t\\r'",
    "'%s'",
    "'%%'",
    "'\u00fc\u20ac\U0001f41d'",
    "'a\\x00b'",
    "'\"double\"'",
    "\"'';drop\"",
    "b''",
    "b'\\x00\\xff\\\\'",
    "bytearray(b'abc')",
    "memoryview(b'xyz')",
    "datetime.date(2026, 3, 1)",
    "datetime.date(1, 1, 1)",
    "datetime.datetime(2026, 3, 1, 12, 30)",
    "datetime.datetime(2026, 3, 1, 12, 30, 0, 500)",
    "datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)",
    "datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-5, minutes=-30)))",
    "datetime.time(1, 2)",
    "datetime.time(1, 2, 3, 4)",
    "datetime.time(1, 2, tzinfo=datetime.timezone.utc)",
    "datetime.timedelta(0)",
    "datetime.timedelta(days=-1, seconds=5)",
    "datetime.timedelta(days=400, microseconds=7)",
    "datetime.timedelta(seconds=-1)",
    "{}",
    "{'a': 1}",
    "{1, 2}",
    "object",
    "uuid.UUID(int=7)",
    "1+2j",
    "range(3)",
]

CONTAINERS = [
    "[]",
    "[1, 2]",
    "[-1, 2]",
    "[None]",
    "[None, None]",
    "[1, None]",
    "[[]]",
    "[[], []]",
    "[[1], [2]]",
    "[[None], [None]]",
    "['a', \"it's\"]",
    "[True]",
    "[1.5, nan]",
    "[b'x']",
    "[datetime.date(2026, 3, 1)]",
    "[Decimal('1.5'), None]",
    "[[['deep']]]",
    "()",
    "(1,)",
    "(1, 'a', None)",
    "([1], [2])",
    "[(1, 2)]",
    "((1, 2), (3, 4))",
    "[{}]",
    "(object,)",
    "(-1, -2.5)",
    "[[], [1]]",
]

QUERIES = [
    ("SELECT 1", "None"),
    ("SELECT 1", "()"),
    ("SELECT 1", "(1,)"),
    ("SELECT 1", "{'a': 1}"),
    ("SELECT '%'", "None"),
    ("SELECT '%'", "()"),
    ("SELECT '%%'", "None"),
    ("SELECT '%%'", "()"),
    ("SELECT '%%'", "(1,)"),
    ("SELECT '%%', %s", "(1,)"),
    ("SELECT %s", "(1,)"),
    ("SELECT %s", "[1]"),
    ("SELECT %s, %s", "(1,)"),
    ("SELECT %s, %s", "[1]"),
    ("SELECT %s", "(1, 2)"),
    ("SELECT %s", "()"),
    ("SELECT %s", "None"),
    ("SELECT %s", "{}"),
    ("SELECT %s", "'a'"),
    ("SELECT %s", "'ab'"),
    ("SELECT %s", "5"),
    ("SELECT %d", "(1,)"),
    ("SELECT %(a)s", "{'a': 1}"),
    ("SELECT %(a)s", "{}"),
    ("SELECT %(a)s", "{'b': 1}"),
    ("SELECT %(a)s, %(a)s", "{'a': 'x', 'b': 2}"),
    ("SELECT %(a)s", "(1,)"),
    ("SELECT %(a)s", "None"),
    ("SELECT %(a)d", "{'a': 1}"),
    ("SELECT %(a)s, %s", "{'a': 1}"),
    ("SELECT %s, %(a)s", "(1, 2)"),
    ("SELECT %", "(1,)"),
    ("SELECT %(a", "{'a': 1}"),
    ("SELECT %(a)", "{'a': 1}"),
    ("SELECT %(a b)s", "{'a b': 1}"),
    ("SELECT %(a%)s", "{'a%': 1}"),
    ("SELECT %(a(b)c)s", "{'a(b)c': 1}"),
    ("SELECT 5 %% %s", "(2,)"),
    ("SELECT %s LIKE 'a%%'", "('abc',)"),
    ("SELECT '\u00fc', %s", "('\u20ac',)"),
    ("SELECT %s::uuid[]", "(['a'],)"),
    ("SELECT x = ANY(%s)", "([1, 2],)"),
    ("SELECT x IN %s", "((1, 2),)"),
    ("SELECT %5s", "(1,)"),
    ("SELECT %s%s", "('a', 'b')"),
    ("", "None"),
    ("%s", "(None,)"),
    ("SELECT %S", "(1,)"),
    ("SELECT % s", "(1,)"),
    ("SELECT %b", "(1,)"),
    ("SELECT %()s", "{'': 1}"),
]


STATEMENTS = [
    "SELECT 1::int2, 2::int4, 3::int8, 4::oid, true, false, NULL::int",
    "SELECT 1.1::float4, 1e10::float4, 0.1::float8, 'NaN'::float8, '-Infinity'::float4",
    "SELECT 1.50::numeric, 'NaN'::numeric, 12345678901234567890.123::numeric",
    "SELECT 'a'::text, 'b'::varchar(5), 'c'::char(3), 'd'::name, 'e'::\"char\"",
    "SELECT '2026-03-01'::date, 'infinity'::date, '-infinity'::date",
    "SELECT '2026-03-01 12:30:00.5'::timestamp, 'infinity'::timestamp",
    "SELECT '2026-03-01 12:30:00.123456+02'::timestamptz, '1901-01-01'::timestamptz",
    "SELECT '12:30'::time, '12:30:01.25'::time, '24:00'::time, '12:30+05:30'::timetz",
    "SELECT '1 day'::interval, '-1 day -02:03:04.5'::interval, '1 year 2 mons 3 days'::interval",
    "SELECT '00:00:00'::interval, '100:00:00'::interval, '-00:00:01'::interval, '1.000001 s'::interval",
    "SELECT '{\"a\": [1, 2.5, null]}'::json, '[true]'::jsonb, 'null'::jsonb, '\"x\"'::jsonb",
    "SELECT '00000000-0000-0000-0000-000000000007'::uuid, '10.0.0.1'::inet, B'101'::bit(3)",
    "SELECT ARRAY[1, 2, NULL], ARRAY[]::int[], ARRAY[[1, 2], [3, 4]], NULL::int[]",
    "SELECT ARRAY['a', 'NULL', NULL, 'q\"uote', 'back\\slash', 'com,ma', '{}', '']::text[]",
    "SELECT ARRAY[1.5, 'NaN']::numeric[], ARRAY[1.5, 'NaN', 'Infinity']::float8[]",
    "SELECT ARRAY['2026-03-01']::date[], ARRAY['2026-03-01 01:02:03']::timestamp[]",
    "SELECT ARRAY['2026-03-01 01:02:03+00']::timestamptz[], ARRAY['1 day']::interval[]",
    "SELECT ARRAY[true, false, NULL], ARRAY['a']::varchar[], ARRAY['{\"a\": 1}']::jsonb[]",
    "SELECT '1.5'::money, '<a/>'::xml, '(1,2)'::point",
    'SELECT 1 AS a, 2 AS a, 3 AS "B c"',
    "SELECT generate_series(1, 3)",
    "SELECT 1 WHERE false",
    "VALUES (1, 'a'), (2, 'b')",
    "WITH x AS (SELECT 1 AS n) SELECT n FROM x",
    "CREATE TEMP TABLE vectors_t (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0))",
    "INSERT INTO vectors_t VALUES (1, 1), (2, 2)",
    "INSERT INTO vectors_t VALUES (3, 3) RETURNING id",
    "UPDATE vectors_t SET n = n + 1 WHERE id < 3",
    "DELETE FROM vectors_t WHERE id = 3",
    "DELETE FROM vectors_t WHERE id = 99",
    "SELECT 1; SELECT 2, 3",
    "INSERT INTO vectors_t VALUES (7, 7); UPDATE vectors_t SET n = 8 WHERE id = 7",
    "SELECT ';' AS x; -- ; end",
    "SHOW standard_conforming_strings",
    "SET LOCAL work_mem = '8MB'",
    "DO $$ BEGIN PERFORM 1; END $$",
    "SAVEPOINT s; RELEASE SAVEPOINT s",
    "EXPLAIN (COSTS OFF) SELECT 1",
]

FAILURES = [
    "SELECT * FROM nowhere",
    "SELECT nothing FROM pg_class",
    "SELECT 1/0",
    "SELEC 1",
    "SELECT 'a'::int",
    "SELECT 'a'::nonsense",
    "SELECT\n  1,\n  bad",
    "INSERT INTO vectors_t VALUES (1, 1)",
    "INSERT INTO vectors_t VALUES (50, NULL)",
    "INSERT INTO vectors_t VALUES (51, -1)",
    "SELECT 99999999999::int4",
    "SELECT * FROM pg_authid_no WHERE a_very_long_column_name_number_one = 1 AND b = 2 AND c = 3",
    "DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'P0001', HINT = 'a hint'; END $$",
    "DO $$ BEGIN RAISE EXCEPTION 'odd' USING ERRCODE = 'ZZ999'; END $$",
    "SELECT pg_read_file()",
    "ROLLBACK TO SAVEPOINT missing",
    "",
    " -- nothing",
    ";",
]


def made_up(chance: random.Random, depth: int = 0) -> str:
    """Returns the source of a value."""
    kind = chance.randrange(9 if depth < 2 else 7)
    if kind == 0:
        return repr(chance.randint(-(10**12), 10**12))
    if kind == 1:
        return repr(chance.uniform(-1e6, 1e6) * 10 ** chance.randint(-12, 12))
    if kind == 2:
        letters = "ab'\\\"%$; \n\u00e4\u4e2d"
        return repr("".join(chance.choice(letters) for _ in range(chance.randint(0, 12))))
    if kind == 3:
        return f"Decimal('{chance.randint(-9999, 9999)}E{chance.randint(-9, 9)}')"
    if kind == 4:
        return repr(bytes(chance.randrange(256) for _ in range(chance.randint(0, 8))))
    if kind == 5:
        return (
            f"datetime.datetime({chance.randint(1, 9999)}, {chance.randint(1, 12)},"
            f" {chance.randint(1, 28)}, {chance.randint(0, 23)}, 5, 6, {chance.randint(0, 999999)})"
        )
    if kind == 6:
        return (
            f"datetime.timedelta(days={chance.randint(-999, 999)},"
            f" microseconds={chance.randint(-(10**9), 10**9)})"
        )
    items = ", ".join(made_up(chance, depth + 1) for _ in range(chance.randint(0, 4)))
    if kind == 7:
        return f"[{items}]"
    return f"({items},)" if items else "()"


def vectors() -> list[tuple[str, str]]:
    """Returns pairs of a query and the source of its arguments."""
    chance = random.Random(2026)
    values = SCALARS + CONTAINERS + [made_up(chance) for _ in range(400)]
    return [("SELECT %s", f"({value},)") for value in values] + QUERIES


def outcome(cursor: Any, query: str, source: str) -> dict[str, str]:
    """Returns what `mogrify` gives or raises."""
    try:
        return {"sql": cursor.mogrify(query, eval(source, dict(NAMES))).decode()}
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)}


def result(cursor: Any, statement: str) -> dict[str, Any]:
    """Runs a statement and describes all that an app could see of it."""
    cursor.execute(statement)
    columns = cursor.description
    seen: dict[str, Any] = {
        "statement": statement,
        "columns": columns and [[column[0], column.type_code] for column in columns],
        "rowcount": cursor.rowcount,
        "status": cursor.statusmessage,
    }
    if columns:
        seen["rows"] = [[shown(value) for value in row] for row in cursor.fetchall()]
    return seen


def shown(value: Any) -> str:
    """Returns a value with its type; a memoryview shows its bytes."""
    return f"memoryview {bytes(value)!r}" if isinstance(value, memoryview) else repr(value)


def failure(conn: Any, statement: str) -> dict[str, Any]:
    """Runs a statement that fails and describes its error."""
    try:
        with conn.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:
        conn.rollback()
        raised: Any = error
        return {
            "statement": statement,
            "class": f"{type(error).__module__}.{type(error).__name__}",
            "bases": [base.__name__ for base in type(error).__mro__[1:]],
            "text": str(error),
            "pgcode": raised.pgcode,
            "pgerror": raised.pgerror,
            "primary": raised.diag.message_primary,
            "constraint": raised.diag.constraint_name,
            "table": raised.diag.table_name,
        }
    raise AssertionError(f"did not fail: {statement}")


def record(conn: Any) -> dict[str, Any]:
    """Returns everything that is recorded, made with one connection."""
    with conn.cursor() as cursor:
        merged = [
            {"query": query, "arguments": source, **outcome(cursor, query, source)}
            for query, source in vectors()
        ]
        cursor.execute("SET TIME ZONE 'UTC'")
        results = [result(cursor, statement) for statement in STATEMENTS]
    conn.commit()
    failures = [failure(conn, statement) for statement in FAILURES]
    return {"mogrify": merged, "results": results, "failures": failures}


def main() -> None:
    import psycopg2

    with psycopg2.connect(sys.argv[1]) as conn:
        recorded = record(conn)
    target = Path(__file__).with_name("vectors.json")
    target.write_text(json.dumps(recorded, indent=0) + "\n")
    print({name: len(part) for name, part in recorded.items()})


if __name__ == "__main__":
    main()
