"""Keeps the standard library compressed in memory until a call imports a part of it.

A cell has no files: what was never imported at build could not be imported in a call.
Importing all of it instead would fill the memory that every fresh cell starts from.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# These open a browser or a screen, need processes, or are no part of running an app.
_LEFT_OUT = {
    "__pycache__",
    "antigravity.py",
    "config-3.14",
    "ensurepip",
    "idlelib",
    "lib-dynload",
    "lib2to3",
    "multiprocessing",
    "pydoc_data",
    "site-packages",
    "test",
    "this.py",
    "tkinter",
    "turtle.py",
    "turtledemo",
    "venv",
    "_pyrepl",
}


class Library:
    """Finds and loads standard modules that were not imported at build."""

    def __init__(self, folder: str) -> None:
        self._modules: dict[str, tuple[bool, bytes]] = {}
        for name, path, is_package in _sources(folder):
            if name not in sys.modules:
                self._modules[name] = (is_package, _compress(path))

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        known = self._modules.get(name)
        if known is None:
            return None
        loader: Any = self
        return ModuleSpec(name, loader, origin="standard library", is_package=known[0])

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        source = zlib.decompress(self._modules[module.__name__][1])
        code = compile(source, f"<{module.__name__}>", "exec", dont_inherit=True)
        exec(code, module.__dict__)


def _sources(folder: str) -> Iterator[tuple[str, str, bool]]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        package = os.path.relpath(parent, folder).replace(os.sep, ".").removeprefix(".")
        for file in sorted(set(files) - _LEFT_OUT):
            if not file.endswith(".py"):
                continue
            path = os.path.join(parent, file)
            if file == "__init__.py":
                yield package, path, True
            else:
                yield f"{package}.{file[:-3]}".removeprefix("."), path, False


def _compress(path: str) -> bytes:
    with open(path, "rb") as file:
        return zlib.compress(file.read(), 9)
