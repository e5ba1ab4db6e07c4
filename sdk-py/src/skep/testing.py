"""Runs an app on your own machine, for its tests: real psycopg2, your own database.

    import skep.testing

    def test_greets():
        app = skep.testing.App("examples/hello")
        assert app.call({"name": "Ann"})["message"] == "Hello, Ann!"

The database is the one that `DATABASE_URL` names. Install `psycopg2-binary` beside
this package; the module that serves a cell is not part of it.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from skep import (
    _ending,
    _host,
    _identity,
    _importer,
    _json,
    _queries,
    _results,
    _targets,
    _values,
    hooks,
)
from skep._entry import injected, takes_something
from skep._results import Outcome
from skep.caller import Caller
from skep.errors import CredentialNotSet, SqlError
from skep.schedules import Schedule

__all__ = ["App", "Caller", "call"]


class _LocalHost(_host.NoHost):
    """Answers for a cell's host with what a test says."""

    def __init__(self) -> None:
        self.caller: Caller | None = None
        self.credentials: dict[str, bytes] = {}
        self.settings: dict[str, str] = {}
        self.notifications: list[tuple[str, Any]] = []
        self.schedules: list[Schedule] = []

    def get_credential(self, name: str) -> bytes:
        if name not in self.credentials:
            raise CredentialNotSet(f"the test gives no credential `{name}`")
        return self.credentials[name]

    def get_setting(self, key: str) -> str | None:
        return self.settings.get(key)

    def all_settings(self) -> list[tuple[str, str]]:
        return list(self.settings.items())

    def set_setting(self, key: str, value: str) -> None:
        self.settings[key] = value

    def unset_setting(self, key: str) -> None:
        self.settings.pop(key, None)

    def send_notification(self, action: str, payload: str) -> None:
        self.notifications.append((action, json.loads(payload)))

    def get_schedule(self, name: str) -> Schedule | None:
        return next((found for found in self.schedules if found.name == name), None)

    def all_schedules(self) -> list[Schedule]:
        return list(self.schedules)

    def current_caller(self) -> Caller | None:
        return self.caller

    def call_id(self) -> str:
        return "test"


class App:
    """A bundle, imported from its folder. Its module-level code runs as in a deploy.

    Before that the manifest's `tables` run, where `DATABASE_URL` names a database.
    `credentials`, `settings` and `schedules` are what `skep.credentials`, `skep.settings` and
    `skep.schedules` find; the manifest is not asked.

    Raises whatever that code raises, and `AttributeError` where `main.py` has no
    `execute`. One app at a time: a second one replaces the first one's modules.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        credentials: Mapping[str, str | bytes] | None = None,
        settings: Mapping[str, Any] | None = None,
        schedules: Iterable[Schedule] = (),
    ) -> None:
        self.folder = Path(folder).resolve()
        self._host = _LocalHost()
        for name, secret in (credentials or {}).items():
            self._host.credentials[name] = secret.encode() if isinstance(secret, str) else secret
        for key, value in (settings or {}).items():
            self._host.settings[key] = json.dumps(value)
        self._host.schedules.extend(schedules)
        _host.use(self._host)
        manifest = self.folder / "manifest.json"
        text = manifest.read_bytes() if manifest.is_file() else None
        _identity.read(text)
        self._targets = _targets.read(text)
        _queries.use(_queries.read(text))
        _make_tables(text)
        root = str(self.folder)
        for name, module in list(sys.modules.items()):
            if _is_loaded_bundle(module) or name.partition(".")[0] == _importer.PACKAGE:
                del sys.modules[name]
        sys.path[:] = [entry for entry in sys.path if entry not in _entries]
        _entries[:] = [str(self.folder / "libs"), root]
        sys.path[:0] = _entries
        self.main = _importer.import_main(root)
        self._execute = self.main.execute

    def task(
        self, name: str, data: Any = None, *, caller: Caller | None = None, rollback: bool = True
    ) -> Any:
        """Run one of the manifest's tasks as `call` runs `execute`."""
        given = json.loads(json.dumps({} if data is None else data))
        result = self._run(self._targets.tasks[name].find(), given, caller, rollback)
        return json.loads(_json.dumps(result))

    def hook(self, name: str, payload: Any = None, *, rollback: bool = True) -> Outcome:
        """Call one of the manifest's hooks and return what it came to: ok, message and data."""
        given = json.loads(json.dumps({} if payload is None else payload))
        context = hooks.HookContext(_identity.app_name or "", name, None, given)

        def called() -> Any:
            return self._run(self._targets.hooks[name].find(), context, None, rollback)

        return _results.run(called)

    @property
    def notifications(self) -> list[tuple[str, Any]]:
        """What `skep.notify.send` was given in the last call: names and payloads."""
        return list(self._host.notifications)

    def call(self, data: Any, *, caller: Caller | None = None, rollback: bool = True) -> Any:
        """Run `execute` on `data` as a cell does, and return its result after JSON.

        `conn` is injected where `execute` asks for it. With `rollback`, what the app
        did through `conn` is undone at the end, its own commits included; connections
        that it opened itself commit for real. What `execute` raises is raised here.
        """
        given = json.loads(json.dumps(data))
        return json.loads(_json.dumps(self._run(self._execute, given, caller, rollback)))

    def _run(
        self, function: Callable[..., Any], given: Any, caller: Caller | None, rollback: bool
    ) -> Any:
        # Of the call before this one.
        _ending.run()
        self._host.caller = caller
        self._host.notifications.clear()
        arguments = (given,) if takes_something(function) else ()
        wanted = injected(function)
        if not wanted & {"conn", "query"}:
            return _finished(function(*arguments))
        conn = _connect(rollback)
        named: dict[str, Any] = {"conn": conn, "query": _query(conn, function)}
        try:
            result = _finished(
                function(*arguments, **{name: named[name] for name in wanted & named.keys()})
            )
            if not isinstance(given, hooks.HookContext):
                # What is no JSON fails the call, which then leaves nothing behind.
                _json.dumps(result)
            elif not _results.outcome(result)["ok"]:
                return result
            conn.commit()
            return result
        finally:
            # Whatever is not committed by now is not to be kept.
            conn.close()


# What the current app put in front of `sys.path`.
_entries: list[str] = []


def _is_loaded_bundle(module: object) -> bool:
    file = getattr(module, "__file__", None)
    return bool(file and _entries and file.startswith(_entries[-1] + os.sep))


def _finished(result: Any) -> Any:
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _query(conn: Any, function: Callable[..., Any]) -> _queries.Query:
    """Makes `query` for a test: each statement is kept or undone for itself, within `conn`."""

    def query(name: str, params: Any = None) -> list[dict[str, Any]]:
        return _queries.run(name, params, lambda sql, values: _send(conn, sql, values))

    async def later(name: str, params: Any = None) -> list[dict[str, Any]]:
        return query(name, params)

    return later if inspect.iscoroutinefunction(function) else query


def _send(conn: Any, sql: str, values: list[Any]) -> list[dict[str, Any]]:
    import psycopg2

    with conn.cursor() as cur:
        _read_as_text(cur)
        cur.execute("SAVEPOINT skep_query")
        try:
            if values:
                # psycopg2 knows no `$1`, and the server must infer the types as it does for a cell.
                cur.execute(f"PREPARE skep_query AS {sql}")
                places = ", ".join(["%s"] * len(values))
                cur.execute(f"EXECUTE skep_query ({places})", [_plain(value) for value in values])
            else:
                cur.execute(sql)
            names = [column.name for column in cur.description or ()]
            found = cur.fetchall() if names else []
            rows = [dict(zip(names, row, strict=True)) for row in found]
        except psycopg2.Error as error:
            cur.execute("ROLLBACK TO SAVEPOINT skep_query")
            message = str(error.diag.message_primary or error)
            raise SqlError(str(error.pgcode), message) from error
        finally:
            cur.execute("DEALLOCATE ALL")
    conn.commit()
    return rows


# What `query` reads in its own way: the numbers of the types and of their arrays.
_TYPES = {
    "numeric": (1700, 1231),
    "json": (114, 199),
    "jsonb": (3802, 3807),
    "timestamptz": (1184, 1185),
    "timestamp": (1114, 1115),
    "date": (1082, 1182),
    "time": (1083, 1183),
    "timetz": (1266, 1270),
    "interval": (1186, 1187),
    "bytea": (17, 1001),
    "float4": (700, 1021),
}


def _read_as_text(cur: Any) -> None:
    """Has a cursor give values as `query` does, which are those of the server's own text."""
    from psycopg2 import extensions

    for name, (one, many) in _TYPES.items():
        kind = extensions.new_type((one,), name, _reader(_queries.READABLE.get(name, str)))
        extensions.register_type(kind, cur)
        extensions.register_type(extensions.new_array_type((many,), f"{name}[]", kind), cur)


def _reader(cast: Callable[[Any], Any]) -> Callable[[str | None, Any], Any]:
    return lambda text, _: None if text is None else cast(text)


def _plain(value: Any) -> Any:
    """Every value goes as text of no type, as from a cell; lists have a form of their own."""
    case, text = _values.parameter(value) or (None, None)
    if case is None or case == "array":
        return value
    return str(text).lower() if case == "boolean" else text if case == "bytes" else str(text)


def _make_tables(manifest: bytes | None) -> None:
    fields = json.loads(manifest or b"{}")
    if not fields.get("tables") or "DATABASE_URL" not in os.environ:
        return
    conn = _connect(rollback=False)
    try:
        with conn.cursor() as cur:
            cur.execute(f'CREATE SCHEMA IF NOT EXISTS "{_identity.app_name}"')
            for statement in fields["tables"]:
                cur.execute(statement)
        conn.commit()
    finally:
        conn.close()


def _connect(rollback: bool) -> Any:
    import psycopg2
    from psycopg2.extensions import connection

    class Uncommitted(connection):
        """Keeps everything in one transaction that is never committed."""

        def commit(self) -> None:
            pass

    # As an app's role has it.
    schemas = f'public,"{_identity.app_name}"' if _identity.app_name else "public"
    return psycopg2.connect(
        os.environ["DATABASE_URL"],
        options=f"-c search_path={schemas} -c timezone=UTC",
        connection_factory=Uncommitted if rollback else connection,
    )


def call(
    folder: str | os.PathLike[str],
    data: Any,
    *,
    caller: Caller | None = None,
    rollback: bool = True,
) -> Any:
    """Import the app in `folder` and make one call. See `App.call`."""
    return App(folder).call(data, caller=caller, rollback=rollback)
