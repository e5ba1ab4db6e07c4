"""Connections of the compatible psycopg2: what is kept, what is undone, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import psycopg2
import psycopg2.errors
import psycopg2.extensions
from psycopg2.pool import PoolError, ThreadedConnectionPool


@pytest.fixture
def conn(db: Any) -> Any:
    conn = psycopg2.connect("postgresql://anything/at/all", sslmode="require")
    with conn.cursor() as cur:
        cur.execute("CREATE TABLE t (id int PRIMARY KEY)")
    conn.commit()
    db.statements.clear()
    return conn


def count() -> int:
    with psycopg2.connect() as conn, conn.cursor() as cur:
        cur.execute("SELECT count(*) FROM t")
        return int(cur.fetchone()[0])


def insert(conn: Any, number: int) -> None:
    with conn.cursor() as cur:
        cur.execute("INSERT INTO t VALUES (%s)", (number,))


def test_a_connection_reaches_the_host_at_its_first_statement_only(db: Any) -> None:
    conn = psycopg2.connect()
    cur = conn.cursor()
    conn.commit()
    conn.rollback()

    assert db.open_sessions == 0
    cur.execute("SELECT 1")
    assert db.open_sessions == 1
    conn.close()
    assert db.open_sessions == 0


def test_with_commits_on_success_and_leaves_the_connection_open(conn: Any) -> None:
    with conn:
        insert(conn, 1)

    assert count() == 1
    assert conn.closed == 0


def test_with_rolls_back_on_an_exception(conn: Any) -> None:
    with pytest.raises(RuntimeError), conn:
        insert(conn, 1)
        raise RuntimeError

    assert count() == 0


def test_closing_without_commit_undoes(conn: Any) -> None:
    insert(conn, 1)
    conn.close()

    assert count() == 0
    with pytest.raises(psycopg2.InterfaceError, match="connection already closed"):
        conn.cursor()


def test_after_an_error_the_transaction_refuses_everything_until_rollback(conn: Any) -> None:
    insert(conn, 1)
    with pytest.raises(psycopg2.errors.UniqueViolation) as raised:
        insert(conn, 1)

    assert isinstance(raised.value, psycopg2.IntegrityError)
    assert raised.value.pgcode == "23505"
    assert raised.value.diag.constraint_name == "t_pkey"
    assert conn.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INERROR
    with pytest.raises(psycopg2.errors.InFailedSqlTransaction):
        insert(conn, 2)
    conn.rollback()
    insert(conn, 3)
    conn.commit()
    assert count() == 1


def test_savepoints_undo_a_part(conn: Any) -> None:
    with conn, conn.cursor() as cur:
        insert(conn, 1)
        cur.execute("SAVEPOINT s")
        with pytest.raises(psycopg2.Error):
            insert(conn, 1)
        cur.execute("ROLLBACK TO SAVEPOINT s")
        insert(conn, 2)

    assert count() == 2


def test_autocommit_keeps_each_statement(conn: Any) -> None:
    conn.autocommit = True
    insert(conn, 1)
    with pytest.raises(psycopg2.Error):
        insert(conn, 1)
    insert(conn, 2)

    assert conn.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    conn.close()
    assert count() == 2


def test_settings_are_refused_inside_a_transaction(conn: Any) -> None:
    insert(conn, 1)

    with pytest.raises(psycopg2.ProgrammingError, match="cannot be used inside a transaction"):
        conn.autocommit = True
    with pytest.raises(psycopg2.ProgrammingError, match="set_session"):
        conn.set_session(readonly=True)


def test_transactions_begin_with_the_modes_that_were_set(conn: Any) -> None:
    conn.set_session(isolation_level="SERIALIZABLE", readonly=True)
    with conn.cursor() as cur:
        cur.execute("SHOW transaction_isolation")
        assert cur.fetchone() == ("serializable",)
        cur.execute("SHOW transaction_read_only")
        assert cur.fetchone() == ("on",)
    conn.rollback()

    conn.reset()
    with conn.cursor() as cur:
        cur.execute("SHOW transaction_isolation")
        assert cur.fetchone() == ("read committed",)


def test_isolation_level_zero_means_autocommit(conn: Any) -> None:
    conn.set_isolation_level(psycopg2.extensions.ISOLATION_LEVEL_AUTOCOMMIT)
    insert(conn, 1)
    conn.close()

    assert count() == 1


def test_transaction_statements_in_sql_text_work(conn: Any, db: Any) -> None:
    with conn.cursor() as cur:
        cur.execute("BEGIN; INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); ROLLBACK")

    conn.close()
    assert count() == 1
    assert "BEGIN" not in db.statements


def test_a_leaked_session_is_rolled_back_at_the_end_of_a_call(conn: Any, db: Any) -> None:
    leaked = psycopg2.connect()
    insert(leaked, 1)
    psycopg2.end_call()

    assert db.open_sessions == 0
    assert count() == 0
    # A global connection serves the next call of a reused cell.
    insert(leaked, 2)
    leaked.commit()
    assert count() == 1


def test_a_connection_that_is_dropped_ends_at_once(conn: Any, db: Any) -> None:
    conn.close()
    for number in range(3):
        with psycopg2.connect() as own:
            insert(own, number)
        del own
        assert db.open_sessions == 0

    assert count() == 3


def test_a_pool_hands_out_at_most_what_it_has(conn: Any, db: Any) -> None:
    pool = ThreadedConnectionPool(1, 2, "dsn")
    first, second = pool.getconn(), pool.getconn()
    with pytest.raises(PoolError, match="exhausted"):
        pool.getconn()
    insert(first, 1)
    pool.putconn(first)
    pool.putconn(second)

    # What was not committed is rolled back before anyone else gets the connection.
    assert count() == 0
    assert pool.getconn() in (first, second)
    pool.closeall()
    with pytest.raises(PoolError, match="closed"):
        pool.getconn()


def test_two_phase_commit_and_large_objects_are_refused_by_name(conn: Any) -> None:
    with pytest.raises(psycopg2.NotSupportedError, match="two-phase"):
        conn.tpc_begin("x")
    with pytest.raises(psycopg2.NotSupportedError, match="bytea"):
        conn.lobject()
