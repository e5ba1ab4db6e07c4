"""Turns a bundle into a running app, once, at build; its state is the snapshot.

No host is there at build, so module-level statements are only pretended. Where
module-level code needs a result, the app's import is left to the first call.
"""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from skep import (
    _bundle,
    _failure,
    _files,
    _host,
    _identity,
    _importer,
    _logging,
    _phase,
    _preload,
    _queries,
    _socket,
    _targets,
)
from skep._bundle import ROOT

BUNDLE_FOLDER = "skep_bundle"

# Says that there is a database, which apps ask for; it leads nowhere by itself.
DATABASE_URL = "postgresql://skep/app"

# Whatever of this package a call may import: its folder is out of reach by then.
_OWN_MODULES = (
    "psycopg2.errorcodes",
    "psycopg2.errors",
    "psycopg2.extensions",
    "psycopg2.extras",
    "psycopg2.pool",
    "psycopg2.sql",
    "skep.db",
    "skep.hooks",
    "skep.jobs",
)

# The same for bundles that speak of it. It takes memory, which every fresh cell copies.
_ASYNC_MODULES = ("skep._loop",)
_NOUSVIZ = "nousviz_sdk"
_NOUSVIZ_MODULES = (_NOUSVIZ, f"{_NOUSVIZ}.sync", f"{_NOUSVIZ}.testing", f"{_NOUSVIZ}._hook_runner")

NO_EXECUTE = "main.py does not expose a callable execute(data) function"


targets = _targets.Targets()
"""The hooks and tasks of the app that was built."""

# What is filled in a cell, where the app was not built.
_sources = _bundle.Bundle()
_bundle_in_use = _sources


class BuildFailed(Exception):
    """The bundle cannot become an app. `file` and `line` say where."""

    def __init__(self, name: str, message: str, file: str, line: int, trace: str = "") -> None:
        self.name = name
        self.message = message
        self.file = file
        self.line = line
        self.trace = trace
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {name}: {message}")

    def report(self) -> dict[str, Any]:
        """Returns what the server tells the deployer."""
        return {
            "file": self.file,
            "line": self.line,
            "name": self.name,
            "message": self.message,
            "trace": self.trace[-_failure.MAX_BUILD_TRACE :],
        }


class _Discarded(io.TextIOBase):
    """Takes what module-level code prints at build; `load` prints it again."""

    def write(self, text: str) -> int:
        return len(text)


def find_bundle() -> str:
    """Returns the folder of the bundle on `sys.path`."""
    for entry in sys.path:
        candidate = os.path.join(entry, BUNDLE_FOLDER)
        if os.path.isdir(candidate):
            return candidate
    raise BuildFailed("BundleMissing", f"no folder `{BUNDLE_FOLDER}` on the path", "main.py", 0)


def build(directory: str) -> Callable[..., Any] | None:
    """Builds the app in `directory` and returns its `execute`; None if its import must wait."""
    _begin()
    bundle = _bundle.read(directory)
    _check_main(bundle)
    _files.install(bundle)
    more: tuple[str, ...] = ()
    if _mentions(bundle, "async"):
        more += _ASYNC_MODULES
    if _mentions(bundle, _NOUSVIZ):
        more += _NOUSVIZ_MODULES
    _import_own_modules(more)
    _take_up(bundle)
    check_targets()
    entry = _import_app(bundle)
    _preload.preload(_bundle.imported_names(bundle))
    _preload.keep_library()
    return entry


def build_without_app() -> None:
    """Builds what runs an app from its sources: everything but the app."""
    _begin()
    _files.install(_sources)
    _import_own_modules(_ASYNC_MODULES + _NOUSVIZ_MODULES)
    _preload.preload(_preload.USUAL)
    _preload.keep_library()


def open_sources(directory: str) -> None:
    """Takes up the app whose files are in `directory`, in what was built without one."""
    _bundle.read_into(_sources, directory)
    _check_main(_sources)
    _take_up(_sources)


def check_targets() -> None:
    """Checks that what the manifest names is there. Raises `BuildFailed`."""
    for target in targets.all():
        if problem := _targets.problem(_bundle_in_use, target):
            text, file = problem
            raise BuildFailed("TargetMissing", text, file, 0)


def _begin() -> None:
    sys.dont_write_bytecode = True
    _phase.enter(_phase.Phase.BUILD)
    _host.use(_host.BuildHost())
    set_environment()


def _check_main(bundle: _bundle.Bundle) -> None:
    if f"{ROOT}/main.py" not in bundle.files:
        raise BuildFailed("FileNotFoundError", "the bundle has no main.py", "main.py", 0)


def _import_own_modules(more: tuple[str, ...]) -> None:
    for name in _OWN_MODULES + more:
        importlib.import_module(name)
    # Only the standard library stays: neither this package's folder, which apps have
    # no reason to read, nor packages that happen to be installed where it is built.
    sys.path[:] = [path for path in sys.path if _is_library(path)]
    _logging.install()
    _socket.install()


def _take_up(bundle: _bundle.Bundle) -> None:
    """Makes the bundle's modules importable, and reads its manifest."""
    global targets, _bundle_in_use
    _bundle_in_use = bundle
    _importer.install(bundle)
    manifest = bundle.files.get(f"{ROOT}/manifest.json")
    _identity.read(manifest)
    targets = _targets.read(manifest)
    _queries.use(_queries.read(manifest))


def _mentions(bundle: _bundle.Bundle, word: str) -> bool:
    return any(word in source for source in bundle.sources.values())


def _is_library(path: str) -> bool:
    return os.path.isfile(f"{path}/os.py") or path.endswith("/lib-dynload")


def set_environment() -> None:
    """Leaves nothing in the environment but what every app may know."""
    os.environ.clear()
    os.environ["DATABASE_URL"] = DATABASE_URL


def _import_app(bundle: _bundle.Bundle) -> Callable[..., Any] | None:
    before = set(sys.modules)
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = _Discarded()
    try:
        entry = entry_point()
    except BaseException as error:
        if not _phase.result_was_read:
            raise _failed(error) from None
        entry = None
    finally:
        sys.stdout, sys.stderr = streams
    if not _phase.result_was_read:
        return entry
    if not _bundle.defines_execute(bundle):
        raise BuildFailed("NoExecute", NO_EXECUTE, "main.py", 0)
    _importer.forget_modules()
    _preload.preload(name for name in set(sys.modules) - before)
    return None


def entry_point() -> Callable[..., Any]:
    """Imports the app afresh and returns its `execute`."""
    _importer.forget_modules()
    execute = getattr(_importer.import_main(), "execute", None)
    if not callable(execute):
        raise BuildFailed("NoExecute", NO_EXECUTE, "main.py", 0)
    function: Callable[..., Any] = execute
    return function


def _failed(error: BaseException) -> BuildFailed:
    if isinstance(error, BuildFailed):
        return error
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    if isinstance(error, ModuleNotFoundError):
        message += "; pure-Python packages belong into the bundle's folder `libs`"
    file, line = _failure.location(error)
    return BuildFailed(type(error).__name__, message, file, line, _failure.trace(error))


def settle() -> None:
    """Puts the interpreter into the state that every cell starts from."""
    sys.path[:] = [entry for entry in sys.path if entry.startswith(ROOT)]
    sys.path_importer_cache.clear()
    _reset_frozen_state()
    if loop := sys.modules.get("skep._loop"):
        loop.use_for_asyncio()
    # What exists now is never garbage; a collector that looked at it would only
    # make private copies of the snapshot's pages.
    gc.collect()
    gc.freeze()


def _reset_frozen_state() -> None:
    """Forgets what standard modules derived from chance or the build's machine."""
    modules: dict[str, Any] = dict(sys.modules)
    if tempfile := modules.get("tempfile"):
        tempfile._name_sequence = None
        tempfile.tempdir = "/tmp"
    if uuid := modules.get("uuid"):
        uuid._node = None
        for name in ("_last_timestamp", "_last_timestamp_v6", "_last_timestamp_v7"):
            if hasattr(uuid, name):
                setattr(uuid, name, None)
