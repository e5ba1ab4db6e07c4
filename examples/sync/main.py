"""Copies the items of another system into a table: at night, on demand, and page by page."""

import os

import psycopg2
import skep
from psycopg2.extras import RealDictCursor, execute_values
from skep import jobs

from . import source


def _migrate():
    """Runs once a deploy; every statement must be safe to repeat."""
    with psycopg2.connect(os.getenv("DATABASE_URL")) as conn, conn.cursor() as cur:
        cur.execute(
            """
            CREATE TABLE IF NOT EXISTS sync_items (
                id       BIGINT  PRIMARY KEY,
                name     TEXT    NOT NULL,
                quantity INTEGER NOT NULL
            )
            """
        )
        # How far the copy of a source has come.
        cur.execute(
            """
            CREATE TABLE IF NOT EXISTS sync_state (
                source TEXT PRIMARY KEY,
                since  TEXT NOT NULL
            )
            """
        )


_migrate()


def execute(data, conn=None):
    """Answers a call, or does a job: a sync is the same either way."""
    action = data.get("action")
    if action == "sync":
        return _sync(conn, full=bool(data.get("full")))
    if action == "list":
        return _list(conn)
    return {"error": f"unknown action {action!r}"}


def _sync(conn, full):
    """Copies what has changed since the last time, or everything.

    Each page is committed together with the place that it reaches. So whatever stops a sync,
    the next one goes on there, and no item is missed or copied in vain.
    """
    where = source.from_settings()
    size = int(skep.settings.get("page_size") or 100)
    since = None if full else _since(conn, where)
    rows = 0
    while True:
        page = where.page(since, size)
        _keep(conn, where, page)
        rows += len(page.items)
        since = page.since
        if not page.items or not page.left:
            break
        jobs.progress(100 * rows / (rows + page.left), f"{rows} items, {page.left} to go")
        if jobs.cancelled():
            skep.log.info("stopped, because somebody cancelled the job", rows=rows)
            return {"rows": rows, "stopped": True}
    skep.log.info("synced", source=where.name, rows=rows, full=full)
    return {"rows": rows, "since": since}


def _since(conn, where):
    with conn.cursor() as cur:
        cur.execute("SELECT since FROM sync_state WHERE source = %s", (where.name,))
        row = cur.fetchone()
    return None if row is None else row[0]


def _keep(conn, where, page):
    with conn.cursor() as cur:
        if page.items:
            execute_values(
                cur,
                """
                INSERT INTO sync_items (id, name, quantity) VALUES %s
                ON CONFLICT (id) DO UPDATE
                SET name = EXCLUDED.name, quantity = EXCLUDED.quantity
                """,
                [(item["id"], item["name"], item["quantity"]) for item in page.items],
            )
        cur.execute(
            """
            INSERT INTO sync_state (source, since) VALUES (%s, %s)
            ON CONFLICT (source) DO UPDATE SET since = EXCLUDED.since
            """,
            (where.name, page.since),
        )
    conn.commit()


def _list(conn):
    with conn.cursor(cursor_factory=RealDictCursor) as cur:
        cur.execute("SELECT id, name, quantity FROM sync_items ORDER BY id LIMIT 500")
        return {"items": cur.fetchall()}
