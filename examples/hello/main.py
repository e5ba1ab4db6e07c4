"""Greets whoever calls and remembers how often each name was greeted."""

import os

import psycopg2


def _migrate():
    """Runs once a deploy, as module-level code; it must be safe to repeat."""
    with psycopg2.connect(os.getenv("DATABASE_URL")) as conn, conn.cursor() as cur:
        cur.execute(
            """
            CREATE TABLE IF NOT EXISTS hello_visits (
                name   TEXT PRIMARY KEY,
                visits BIGINT NOT NULL
            )
            """
        )


_migrate()


def execute(data, conn=None):
    """Answers one call. What it does to the database is kept when it returns."""
    name = str(data.get("name", "")).strip() or "world"
    if len(name) > 100:
        return {"error": "a name has at most 100 characters"}
    with conn.cursor() as cur:
        cur.execute(
            """
            INSERT INTO hello_visits (name, visits) VALUES (%s, 1)
            ON CONFLICT (name) DO UPDATE SET visits = hello_visits.visits + 1
            RETURNING visits
            """,
            (name,),
        )
        visits = cur.fetchone()[0]
    return {"message": f"Hello, {name}!", "visits": visits}
