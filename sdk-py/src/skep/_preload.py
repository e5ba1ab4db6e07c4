"""Loads standard modules before the snapshot is taken.

What is loaded at build costs no call anything but memory, and every fresh cell starts
from a copy of that memory. So it is what the bundle names, and what a call may meet
without importing it; the rest stays compressed in `_library`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Iterable

from skep._library import Library

# What Python itself imports inside functions that apps often call.
_COMMON = [
    "_strptime",
    "copy",
    "datetime",
    "decimal",
    "encodings.ascii",
    "encodings.idna",
    "encodings.latin_1",
    "json",
    "linecache",
    "random",
    "re",
    "traceback",
    "uuid",
]

# What apps often import, for where it is not known which app there will be.
USUAL = (
    "asyncio",
    "base64",
    "bisect",
    "calendar",
    "collections.abc",
    "contextlib",
    "csv",
    "dataclasses",
    "email.utils",
    "enum",
    "functools",
    "glob",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "http.client",
    "inspect",
    "io",
    "itertools",
    "logging",
    "math",
    "operator",
    "pathlib",
    "secrets",
    "statistics",
    "string",
    "textwrap",
    "time",
    "typing",
    "unittest",
    "urllib.parse",
    "urllib.request",
    "xml.etree.ElementTree",
    "zipfile",
    "zoneinfo",
)

# Importing these prints, or opens a browser or a window.
_NEVER = {"antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "test"}


def preload(names: Iterable[str]) -> None:
    """Imports the standard modules among `names`, and those that any app may need.

    What this Python lacks stays away.
    """
    for name in [*_COMMON, *standard_modules(names)]:
        _try_import(name)


def keep_library() -> None:
    """Makes every other standard module importable in a cell."""
    folder = next(path for path in sys.path if os.path.isfile(f"{path}/os.py"))
    sys.meta_path.append(Library(folder))


def standard_modules(names: Iterable[str]) -> list[str]:
    """Picks those names that belong to the standard library."""
    return sorted(name for name in names if _top(name) in sys.stdlib_module_names - _NEVER)


def _top(name: str) -> str:
    return name.partition(".")[0]


def _try_import(name: str) -> None:
    if name in sys.modules:
        return
    # A module may fail in any way here, for lack of a platform feature, and
    # `from a import b` may name something that is no module.
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        importlib.import_module(name)
