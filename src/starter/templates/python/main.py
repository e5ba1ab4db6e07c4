import contextlib
import os

import psycopg2


@contextlib.contextmanager
def _get_conn(conn=None):
    """Use the connection of the call, or a new one where there is none."""
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own


def _migrate():
    """Create what the app needs. It runs on every deploy, so it must be safe to repeat."""
    if not os.getenv("DATABASE_URL"):
        return
    with _get_conn() as conn, conn.cursor() as cur:
        cur.execute(
            """
            CREATE TABLE IF NOT EXISTS <table_prefix>_items (
                id         SERIAL PRIMARY KEY,
                name       TEXT        NOT NULL,
                created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
            )
            """
        )


_migrate()


def execute(data, conn=None):
    """Answer one call."""
    action = str(data.get("action", "")).strip()

    if action == "list":
        return _list(conn)
    if action == "create":
        return _create(data, conn)
    return {"error": f"unknown action {action!r}"}


def _list(conn):
    with _get_conn(conn) as c, c.cursor() as cur:
        cur.execute("SELECT id, name, created_at FROM <table_prefix>_items ORDER BY id DESC LIMIT 100")
        rows = cur.fetchall()
    return {"rows": [{"id": r[0], "name": r[1], "created_at": r[2].isoformat()} for r in rows]}


def _create(data, conn):
    name = str(data.get("name", "")).strip()
    if not name:
        return {"error": "name is required"}
    with _get_conn(conn) as c, c.cursor() as cur:
        cur.execute("INSERT INTO <table_prefix>_items (name) VALUES (%s) RETURNING id", (name,))
        item_id = cur.fetchone()[0]
    return {
        "id": item_id,
        "name": name,
        # Sent to those who subscribed to `item_created`, and not to the caller.
        "_actions": [{"name": "item_created", "payload": {"id": item_id, "name": name}}],
    }
