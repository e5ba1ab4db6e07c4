"""The compatible psycopg2 against what the real one was recorded to do."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import record_vectors

import psycopg2

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("vectors.json").read_text()
)

# The interface does not carry the call stack of PL/pgSQL.
_CONTEXT = re.compile(r"CONTEXT:  .*\n", re.DOTALL)


def test_statements_are_merged_as_psycopg2_does(db: Any) -> None:
    cursor = psycopg2.connect().cursor()

    for vector in RECORDED["mogrify"]:
        expected = {name: vector[name] for name in ("sql", "error", "text") if name in vector}
        given = record_vectors.outcome(cursor, vector["query"], vector["arguments"])
        assert given == expected, vector


def test_results_look_as_psycopg2_shows_them(db: Any) -> None:
    cursor = psycopg2.connect().cursor()

    for expected in RECORDED["results"]:
        given = json.loads(json.dumps(record_vectors.result(cursor, expected["statement"])))
        assert given == expected


def test_errors_look_as_psycopg2_shows_them(db: Any) -> None:
    conn = psycopg2.connect()
    with conn.cursor() as cursor:
        for statement in record_vectors.STATEMENTS:
            cursor.execute(statement)
    conn.commit()

    for expected in RECORDED["failures"]:
        for name in ("text", "pgerror"):
            expected[name] = expected[name] and _CONTEXT.sub("", expected[name])
        assert record_vectors.failure(conn, expected["statement"]) == expected


def test_every_recorded_vector_is_one_that_would_be_recorded_again() -> None:
    assert [(v["query"], v["arguments"]) for v in RECORDED["mogrify"]] == record_vectors.vectors()
    assert [v["statement"] for v in RECORDED["results"]] == record_vectors.STATEMENTS
    assert [v["statement"] for v in RECORDED["failures"]] == record_vectors.FAILURES


@pytest.mark.parametrize("name", ["UniqueViolation", "InsufficientPrivilege", "UndefinedTable"])
def test_error_classes_are_found_by_name_and_by_code(name: str) -> None:
    from psycopg2 import errors

    found = getattr(errors, name)

    assert issubclass(found, psycopg2.Error)
    code = next(code for code, made in errors._classes.items() if made is found)
    assert errors.lookup(code) is found
