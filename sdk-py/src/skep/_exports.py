"""The exports of `skep:app/python`, answered by the app that `use` names."""

from __future__ import annotations

import io
import sys

import wit_world
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.skep_app_types import Failure

from skep import _call, _host

_app: _call.App


def use(app: _call.App) -> None:
    """Makes `app` the one that is called, and lets it print where a cell prints."""
    global _app
    _app = app
    for name, number in (("stdout", 1), ("stderr", 2)):
        # The interpreter starts unbuffered, which would be several host calls a line.
        raw = io.FileIO(number, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), "utf-8", "backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _failure_of(failed: _call.Failed) -> Err:
    trace = None if failed.trace is None else _host.unicode(failed.trace)
    return Err(Failure(failed.name, _host.unicode(failed.message), trace))


class WitWorld(wit_world.WitWorld):  # type: ignore[misc]
    """The export `execute`."""

    def execute(self, data: str) -> str:
        try:
            return _app.execute(data)
        except _call.Failed as failed:
            raise _failure_of(failed) from None


class Lifecycle(exports.Lifecycle):  # type: ignore[misc]
    """The export `lifecycle`."""

    def hook(self, name: str, payload: str) -> str:
        try:
            return _app.hook(name, payload)
        except _call.Failed as failed:
            raise _failure_of(failed) from None

    def load(self) -> None:
        try:
            _app.load()
        except _call.Failed as failed:
            raise _failure_of(failed) from None


class Task(exports.Task):  # type: ignore[misc]
    """The export `task`."""

    def run(self, name: str, payload: str) -> str:
        try:
            return _app.task(name, payload)
        except _call.Failed as failed:
            raise _failure_of(failed) from None
