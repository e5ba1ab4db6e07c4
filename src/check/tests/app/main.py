import contextlib
import os

import psycopg2


@contextlib.contextmanager
def _get_conn(conn=None):
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own


def _migrate():
    with psycopg2.connect(os.getenv("DATABASE_URL", "")) as conn:
        with conn.cursor() as cur:
            cur.execute(
                """
                CREATE TABLE IF NOT EXISTS app_hello_world_items (
                    id SERIAL PRIMARY KEY,
                    name TEXT NOT NULL
                )
                """
            )
        conn.commit()


_migrate()


def execute(data, conn=None):
    if data.get("action") == "greet":
        return _greet(data, conn=conn)
    return {"message": "ok"}


def _greet(data, conn=None):
    with _get_conn(conn) as c:
        with c.cursor() as cur:
            cur.execute("SELECT id FROM app_hello_world_items WHERE name = %s", (data["name"],))
            rows = cur.fetchall()
    return {"rows": rows, "_actions": [{"name": "greeted", "payload": {}}]}
