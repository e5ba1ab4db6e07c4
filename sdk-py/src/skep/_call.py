"""One call of an app: arguments in, its `execute`, JSON or a failure out.

A cell may serve many calls, so what can be done once is done at build, and a call
leaves nothing open behind it.
"""

from __future__ import annotations

import inspect
import json
import random
import sys
from collections.abc import Callable
from typing import Any

from psycopg2 import connection_for_call, end_call
from psycopg2.extensions import TRANSACTION_STATUS_INERROR
from skep import (
    _build,
    _ending,
    _failure,
    _host,
    _identity,
    _phase,
    _queries,
    _results,
    _targets,
    hooks,
    jobs,
)
from skep._entry import injected, takes_something
from skep._json import NotSerializable, dumps
from skep._phase import Phase

_NOTHING_KEPT = "a statement failed without a rollback: nothing of the transaction was kept"

_loads = json.JSONDecoder().decode


class Failed(Exception):
    """An export did not succeed: what the host reads as a `failure`."""

    def __init__(self, name: str, message: str, trace: str | None) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.trace = trace


class App:
    """An app in its cell. `entry` is None where its import waits for the first call."""

    def __init__(self, entry: Callable[..., Any] | None) -> None:
        self._fresh = True
        self._entry = entry
        self._injected = frozenset[str]() if entry is None else injected(entry)

    def execute(self, data: str) -> str:
        """Answers one call with JSON text. Raises `Failed`."""
        if self._fresh:
            self._begin()
        try:
            if self._entry is None:
                self._import()
            given = _loads(data)
            # The host lets this key pass to jobs alone.
            is_job = isinstance(given, dict) and "_job_id" in given
            return _answer(self._entry, self._injected, (given,), is_job)
        except NotSerializable as error:
            raise Failed("TypeError", "response serialization failed", str(error)) from None
        except BaseException as error:
            raise failed(error) from None
        finally:
            _end()
            flush()

    def task(self, name: str, data: str) -> str:
        """Runs one of the manifest's tasks, which is given what `execute` is. Raises `Failed`."""
        return self._named(
            lambda: _build.targets.tasks, name, lambda function: _task(function, data)
        )

    def hook(self, name: str, payload: str) -> str:
        """Calls one of the manifest's hooks and tells what it came to. Raises `Failed`."""
        try:
            return self._named(
                lambda: _build.targets.hooks, name, lambda function: _hook(function, name, payload)
            )
        except Failed as error:
            cause = error.__cause__
            if isinstance(cause, _targets.TargetMissing):
                return dumps({"ok": False, "message": str(cause), "data": None})
            if not isinstance(cause, Exception):
                raise
            return dumps(_results.failure(cause))

    def _named(
        self,
        targets: Callable[[], dict[str, _targets.Target]],
        name: str,
        call: Callable[[Callable[..., Any]], str],
    ) -> str:
        def work() -> str:
            # Where the app is run from its sources, they are known only now.
            target = targets().get(name)
            if target is None:
                raise _targets.TargetMissing(f"the manifest names no `{name}`")
            return call(target.find())

        return self.run(work)

    def run(self, work: Callable[[], str]) -> str:
        """Does `work` as a call of the app is done. Raises `Failed`."""
        if self._fresh:
            self._begin()
        try:
            if self._entry is None:
                self._import()
            return work()
        except NotSerializable as error:
            raise Failed("TypeError", "response serialization failed", str(error)) from None
        except BaseException as error:
            raise failed(error) from error
        finally:
            _end()
            flush()

    def load(self) -> None:
        """Runs the app's module-level code with the database. Raises `Failed`."""
        self._begin()
        _phase.enter(Phase.LOAD)
        try:
            self._set_entry(_build.entry_point())
        except BaseException as error:
            raise failed(error) from None
        finally:
            _end()
            flush()
            _phase.enter(Phase.CALL)

    def _import(self) -> None:
        _phase.enter(Phase.IMPORT)
        try:
            self._set_entry(_build.entry_point())
        finally:
            _end()
            _phase.enter(Phase.CALL)

    def _set_entry(self, entry: Callable[..., Any]) -> None:
        self._entry = entry
        self._injected = injected(entry)

    def _begin(self) -> None:
        # Every cell starts from the same snapshot: without this, all would draw the
        # same random numbers.
        random.seed()
        _build.set_environment()
        self._fresh = False
        _phase.enter(Phase.CALL)


def _answer(
    function: Any,
    wanted: frozenset[str],
    given: tuple[Any, ...],
    is_job: bool,
    read: Callable[[Any], Any] | None = None,
) -> str:
    """Calls a function of the app and makes JSON of what it returns.

    `read` makes a result of it first; of one that is not `ok`, nothing is kept.
    """
    conn = None
    arguments: dict[str, Any] = {}
    if "conn" in wanted:
        arguments["conn"] = conn = connection_for_call()
    if "query" in wanted:
        is_coroutine = inspect.iscoroutinefunction(function)
        arguments["query"] = _queries.query_later if is_coroutine else _queries.query
    if is_job and "report_progress" in wanted:
        arguments["report_progress"] = jobs.report_progress
    result = function(*given, **arguments)
    if inspect.iscoroutine(result):
        from skep import _loop

        result = _loop.run(result)
    if read is not None:
        result = read(result)
    answer = dumps(result)
    # After the answer is text, so that a failed call leaves nothing behind.
    if conn is not None and not conn.closed and (read is None or result["ok"]):
        if conn.get_transaction_status() == TRANSACTION_STATUS_INERROR:
            _host.host.write_log("warn", _NOTHING_KEPT, None)
        if is_job:
            # So that what the job did and its answer are kept together.
            conn.commit_on_return()
        else:
            conn.commit()
    return answer


def _task(function: Callable[..., Any], data: str) -> str:
    given = (_loads(data),) if takes_something(function) else ()
    return _answer(function, injected(function), given, True)


def _hook(function: Callable[..., Any], name: str, payload: str) -> str:
    job = jobs.current()
    context = hooks.HookContext(
        app=_identity.app_name or "",
        hook=name,
        job=None if job is None else job.id,
        payload=_loads(payload),
    )
    given = (context,) if takes_something(function) else ()
    return _answer(function, injected(function), given, job is not None, _results.outcome)


def _end() -> None:
    """Does what was left for the end, and closes what the app has left open."""
    _ending.run()
    end_call()
    _host.host.close_exchanges()


def flush() -> None:
    """Sends what the app printed to the host."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            # The app closed or replaced the stream.
            continue


def failed(error: BaseException) -> Failed:
    """Describes an exception of the app, whatever it is."""
    if isinstance(error, _build.BuildFailed):
        return Failed(error.name, error.message, error.trace or None)
    name = type(error).__name__
    try:
        message = str(error)
    except Exception:
        message = f"{name} whose text cannot be formatted"
    try:
        text: str | None = _failure.trace(error)
    except Exception:
        text = None
    return Failed(name, message, text)
