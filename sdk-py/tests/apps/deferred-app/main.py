"""Reads the database while it is imported, which no build can answer."""

import psycopg2

with psycopg2.connect("") as _conn, _conn.cursor() as _cur:
    _cur.execute("CREATE TABLE IF NOT EXISTS deferred_settings (name TEXT, value TEXT)")
    _cur.execute("SELECT count(*) FROM deferred_settings")
    if _cur.fetchone()[0] == 0:
        _cur.execute("INSERT INTO deferred_settings VALUES ('colour', 'green')")
    _cur.execute("SELECT value FROM deferred_settings WHERE name = 'colour'")
    COLOUR = _cur.fetchone()[0]


async def execute(data):
    return {"colour": COLOUR}
