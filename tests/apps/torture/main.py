"""Does what is hard in a cell, one action each. Deployed by `tests/it/torture.rs`."""

import asyncio
import logging
import os
import sys

import psycopg2
import services.items
import tinylib
from skep import caller

from . import sibling

log = logging.getLogger(__name__)


def _migrate():
    with psycopg2.connect(os.getenv("DATABASE_URL")) as conn, conn.cursor() as cur:
        cur.execute("CREATE TABLE IF NOT EXISTS torture_items (name TEXT)")
        cur.execute("CREATE INDEX IF NOT EXISTS torture_names ON torture_items (name)")


_migrate()


def _insert(conn, name):
    with conn.cursor() as cur:
        cur.execute("INSERT INTO torture_items (name) VALUES (%s)", (name,))


def _names(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT name FROM torture_items ORDER BY name")
        return {"names": [name for (name,) in cur.fetchall()]}


def _imports():
    import late  # in the bundle, imported only here
    import statistics

    return {
        "library": tinylib.NAME,
        "namespace": services.items.NAME,
        "sibling": sibling.NAME,
        "late": late.NAME,
        "lazy": statistics.mean([1, 3]),
    }


def _who():
    who = caller.current()
    return {"username": who.username, "roles": list(who.roles), "call": caller.call_id()}


def _write_log():
    print("to stdout")
    print("to stderr", file=sys.stderr)
    log.warning("by logging")
    return {}


def _recurse(depth):
    return _recurse(depth + 1) + 1


def _fail(kind, conn):
    if kind == "key":
        return {}["missing"]
    if kind == "set":
        return {"a": {1, 2}}
    if kind == "exit":
        sys.exit(3)
    if kind == "recursion":
        return {"depth": _recurse(0)}
    if kind == "memory":
        return {"size": len([bytes(1 << 20) for _ in range(4096)])}
    if kind == "loop":
        while True:
            pass
    if kind == "sleep":
        with conn.cursor() as cur:
            cur.execute("SELECT count(*) FROM generate_series(1, 100000000000)")
    raise ValueError("own text")


async def _later(value):
    await asyncio.sleep(0.01)
    return {"value": value}


def execute(data, conn=None):
    action = data.get("action")
    if action == "insert":
        _insert(conn, data["name"])
        if data.get("commit"):
            conn.commit()
        if data.get("then"):
            return _fail(data["then"], conn)
        return {"ok": True}
    if action == "names":
        return _names(conn)
    if action == "fail":
        return _fail(data["kind"], conn)
    if action == "imports":
        return _imports()
    if action == "who":
        return _who()
    if action == "log":
        return _write_log()
    if action == "async":
        return _later(data["value"])
    if action == "nan":
        return {"a": float("nan"), "b": [float("inf")], 1: "\u00fc"}
    if action == "actions":
        return {"a": 1, "_actions": [{"name": "x", "payload": {}}]}
    if action == "data":
        return data
    return [action]
