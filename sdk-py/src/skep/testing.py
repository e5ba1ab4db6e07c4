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

from skep import _ending, _host, _identity, _importer, _json, _results, _targets, hooks
from skep._entry import injected, takes_something
from skep._results import Outcome
from skep.caller import Caller
from skep.errors import CredentialNotSet
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
        if "conn" not in injected(function):
            return _finished(function(*arguments))
        conn = _connect(rollback)
        try:
            result = _finished(function(*arguments, conn=conn))
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


def _connect(rollback: bool) -> Any:
    import psycopg2
    from psycopg2.extensions import connection

    class Uncommitted(connection):
        """Keeps everything in one transaction that is never committed."""

        def commit(self) -> None:
            pass

    return psycopg2.connect(
        os.environ["DATABASE_URL"],
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
