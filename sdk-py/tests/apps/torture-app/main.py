"""Does everything that is hard in a cell, one action each."""

import asyncio
import contextlib
import logging
import os
import pathlib
import random
import sys

import psycopg2
import psycopg2.extras

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "libs"))
import tinylib
import utils as bare_utils
from services.items import describe

from . import utils
from .pack.helpers import shout

logging.basicConfig(level=logging.DEBUG)
log = logging.getLogger(__name__)

GLOBAL = psycopg2.connect(os.getenv("DATABASE_URL"))


def _migrate():
    if not os.getenv("DATABASE_URL"):
        raise RuntimeError("no DATABASE_URL")
    migrations = pathlib.Path(__file__).parent / "storage" / "migrations"
    with psycopg2.connect(os.getenv("DATABASE_URL")) as conn:
        with conn.cursor() as cur:
            for path in sorted(migrations.glob("*.sql")):
                cur.execute(path.read_text())
        conn.commit()
    log.info("[torture] migration ok")
    print("printed while importing", "x" * 20000)


_migrate()


@contextlib.contextmanager
def _get_conn(conn=None):
    if conn is not None:
        yield conn
    else:
        with psycopg2.connect(os.getenv("DATABASE_URL")) as own:
            yield own


async def _later(value):
    await asyncio.sleep(0.01)
    return value


def _imports(data):
    return {
        "lib": tinylib.name(),
        "namespace": describe(3),
        "relative": utils.NAME,
        "bare": bare_utils.NAME,
        "package": shout("a"),
        "file": __file__,
        "name": __name__,
    }


def _lazy(data):
    import statistics
    import tomllib
    import uuid
    import zipfile
    from datetime import datetime
    from zoneinfo import ZoneInfo

    import late  # in the bundle, imported only here

    try:
        zone = str(ZoneInfo("Europe/Berlin"))
    except Exception as error:
        zone = type(error).__name__
    return {
        "late": late.VALUE,
        "mean": statistics.mean([1, 2, 3]),
        "toml": tomllib.loads("a = 1"),
        "uuid": len(str(uuid.uuid4())),
        "zip": zipfile.__name__,
        "date": datetime.strptime("2026-03-01", "%Y-%m-%d").isoformat(),
        "zone": zone,
        "idna": "b\u00fccher.example".encode("idna").decode(),
    }


def _files(data):
    import importlib.resources
    import tempfile

    here = os.path.dirname(__file__)
    with tempfile.NamedTemporaryFile("w+", suffix=".txt") as file:
        file.write("scratch")
        file.seek(0)
        scratch = file.read()
    try:
        open(os.path.join(here, "new.txt"), "w")
        written = "yes"
    except OSError as error:
        written = error.strerror
    return {
        "open": open(os.path.join(here, "storage/notes.txt")).read().strip(),
        "glob": [p.name for p in pathlib.Path(here).glob("storage/**/*.sql")],
        "listdir": sorted(os.listdir(os.path.join(here, "storage"))),
        "walk": sorted(name for _, _, names in os.walk(f"{here}/storage") for name in names),
        "exists": [os.path.exists(f"{here}/main.py"), os.path.exists(f"{here}/nope")],
        "resources": importlib.resources.files("pack").joinpath("data.txt").read_text().strip(),
        "scratch": scratch,
        "written": written,
    }


def _fail(data):
    kind = data["kind"]
    if kind == "exit":
        sys.exit(3)
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "recursion":
        return _fail(data)
    if kind == "memory":
        return {"x": len(bytearray(1 << 40))}
    if kind == "set":
        return {"a": [{"b": {1, 2}}]}
    if kind == "cycle":
        cycle = {}
        cycle["self"] = cycle
        return cycle
    if kind == "chain":
        try:
            {}["missing"]
        except KeyError as error:
            raise ValueError("chained") from error
    raise utils.OwnError("own text")


def _transactions(data, conn):
    with _get_conn(conn) as c, c.cursor() as cur:
        cur.execute("INSERT INTO torture_items (name) VALUES (%s)", (data.get("name", "n"),))
    if data.get("fail"):
        raise RuntimeError("after insert")
    if data.get("leak"):
        leaked = psycopg2.connect("")
        leaked.cursor().execute("INSERT INTO torture_items (name) VALUES ('leaked')")
        GLOBAL.cursor().execute("INSERT INTO torture_items (name) VALUES ('global')")
    if data.get("own"):
        with _get_conn(None) as own, own.cursor() as cur:
            cur.execute("INSERT INTO torture_items (name) VALUES ('own')")
    return {"ok": True}


def _rows(data, conn):
    with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
        cur.execute("SELECT name, count(*) AS n FROM torture_items GROUP BY 1 ORDER BY 1")
        return {"rows": cur.fetchall()}


def execute(data, conn=None):
    action = data.get("action")
    if action == "imports":
        return _imports(data)
    if action == "lazy":
        return _lazy(data)
    if action == "files":
        return _files(data)
    if action == "fail":
        return _fail(data)
    if action == "insert":
        return _transactions(data, conn)
    if action == "rows":
        return _rows(data, conn)
    if action == "async":
        return {"value": asyncio.run(_later(5))}
    if action == "random":
        return {"value": random.random()}
    if action == "env":
        return dict(os.environ)
    if action == "nan":
        return {"x": float("nan"), "y": [float("inf")], 1: "\u00fc", None: True}
    if action == "log":
        print("to stdout")
        print("to stderr", file=sys.stderr)
        logging.debug("debugged")
        try:
            1 / 0
        except ZeroDivisionError:
            log.exception("went wrong: %s", "here")
        return {}
    return ["not", "a", "dict"]
