"""`nousviz_sdk.db` on a real PostgreSQL."""

from __future__ import annotations

from typing import Any

import pytest

import psycopg2.errors
from nousviz_sdk import CredentialBrokerUnavailable, DictCursor, dict_cursor, get_pg_conn
from skep import _phase


@pytest.fixture
def table(db: Any) -> None:
    with get_pg_conn() as conn:
        conn.cursor().execute("CREATE TABLE t (id int, name text)")


def rows() -> list[Any]:
    with get_pg_conn() as conn, conn.cursor() as cur:
        cur.execute("SELECT id, name FROM t ORDER BY id")
        found: list[Any] = cur.fetchall()
        return found


def test_a_connection_commits_at_its_end_and_is_closed(table: None) -> None:
    with get_pg_conn() as conn:
        conn.cursor().execute("INSERT INTO t VALUES (1, 'a')")
        assert rows() == []
    assert conn.closed
    assert rows() == [(1, "a")]


def test_an_exception_undoes_it_and_is_raised(table: None) -> None:
    with pytest.raises(ValueError, match="mine"), get_pg_conn() as conn:
        conn.cursor().execute("INSERT INTO t VALUES (1, 'a')")
        raise ValueError("mine")
    assert conn.closed
    assert rows() == []


def test_a_connection_that_was_closed_does_not_hide_the_exception(table: None) -> None:
    with pytest.raises(ValueError, match="mine"), get_pg_conn() as conn:
        conn.close()
        raise ValueError("mine")


def test_each_connection_is_a_new_one(table: None) -> None:
    with get_pg_conn() as one, get_pg_conn() as other:
        assert one is not other


def test_postgresql_s_errors_are_psycopg2_s(table: None) -> None:
    with pytest.raises(psycopg2.errors.UndefinedTable) as caught, get_pg_conn() as conn:
        conn.cursor().execute("SELECT * FROM none")
    assert caught.value.pgcode == "42P01"


def test_rows_are_dictionaries(table: None) -> None:
    with get_pg_conn() as conn:
        cur = dict_cursor(conn)
        assert cur.executemany("INSERT INTO t VALUES (%s, %s)", [(1, "a"), (2, "b"), (3, "c")])
        with cur.execute("SELECT * FROM t WHERE id > %s ORDER BY id", (0,)) as same:
            assert same is cur
            assert cur.rowcount == 3
            assert [column[0] for column in cur.description] == ["id", "name"]
            assert cur.fetchone() == {"id": 1, "name": "a"}
            assert cur.fetchmany(1) == [{"id": 2, "name": "b"}]
            assert cur.fetchmany() == [{"id": 3, "name": "c"}]
            assert cur.fetchone() is None
            assert cur.fetchall() == cur.fetchmany(5) == []
        with pytest.raises(psycopg2.InterfaceError):
            cur.fetchone()


def test_of_equal_names_the_last_one_counts(db: Any) -> None:
    with get_pg_conn() as conn:
        assert dict_cursor(conn).execute("SELECT 1 AS n, 2 AS n").fetchall() == [{"n": 2}]


def test_a_dict_cursor_is_not_iterable(db: Any) -> None:
    with get_pg_conn() as conn, pytest.raises(TypeError):
        iter(DictCursor(conn.cursor()))  # type: ignore[call-overload]


def test_outside_a_cell_the_address_is_the_author_s(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _phase.current is _phase.Phase.OUTSIDE
    monkeypatch.delenv("DATABASE_URL", raising=False)
    with pytest.raises(CredentialBrokerUnavailable, match="DATABASE_URL"), get_pg_conn():
        pass
    monkeypatch.setenv("DATABASE_URL", "postgresql://here")
    monkeypatch.setattr("psycopg2.connect", lambda address: pytest.fail(address))
    with pytest.raises(pytest.fail.Exception, match="postgresql://here"), get_pg_conn():
        pass
