"""Standard modules that must be in memory before the snapshot is taken.

A cell has no standard library on disk: what was never imported at build cannot be
imported in a call. Beside what apps name, that is what standard modules import
inside their own functions.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import re
import sys
from collections.abc import Iterable
from types import ModuleType

# What a call may meet first: by a name in data, or inside C code.
COMMON = [
    "_strptime",
    "base64",
    "bisect",
    "calendar",
    "collections.abc",
    "contextvars",
    "copy",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "difflib",
    "email.utils",
    "enum",
    "fnmatch",
    "fractions",
    "functools",
    "glob",
    "hashlib",
    "heapq",
    "hmac",
    "html",
    "importlib.metadata",
    "importlib.readers",
    "importlib.resources",
    "io",
    "ipaddress",
    "itertools",
    "json",
    "linecache",
    "locale",
    "math",
    "numbers",
    "pathlib",
    "pickle",
    "pprint",
    "queue",
    "random",
    "re",
    "secrets",
    "shlex",
    "statistics",
    "string",
    "tempfile",
    "textwrap",
    "threading",
    "time",
    "traceback",
    "typing",
    "unicodedata",
    "urllib.parse",
    "uuid",
    "warnings",
    "weakref",
    "zlib",
    "zoneinfo",
]

# Modules that find others by a computed name.
_BY_NAME = {
    "logging.config": "logging.handlers",
    "email.message": "email.policy",
    "xml.sax": "xml.sax.expatreader",
    "xml.dom": "xml.dom.minidom",
    "concurrent.futures": "concurrent.futures.thread",
}

# Importing these opens a browser, prints, or needs a screen.
_NEVER = {"antigravity", "this", "idlelib", "tkinter", "turtle", "turtledemo", "test", "lib2to3"}

# Large, and of use in a cell only to an app that imports them itself.
_ON_REQUEST = _NEVER | {
    "_pydecimal",
    "_pyio",
    "_pyrepl",
    "bdb",
    "cProfile",
    "concurrent.futures.process",
    "ctypes",
    "curses",
    "dbm",
    "doctest",
    "ensurepip",
    "ftplib",
    "multiprocessing",
    "pdb",
    "profile",
    "pydoc",
    "pydoc_data",
    "smtplib",
    "unittest",
    "venv",
    "webbrowser",
    "xmlrpc",
}

_LAZY_IMPORT = re.compile(
    r"^[ \t]+(?:import[ \t]+([\w.]+)|from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+\(?([\w, \t]+))",
    re.MULTILINE,
)


def _top(name: str) -> str:
    return name.partition(".")[0]


def standard_modules(names: Iterable[str]) -> list[str]:
    """Picks those names that belong to the standard library."""
    return sorted(
        name for name in names if _top(name) in sys.stdlib_module_names and _top(name) not in _NEVER
    )


def preload(names: Iterable[str]) -> None:
    """Imports the common modules, `names`, and what these import later on.

    What this Python lacks stays away.
    """
    waiting = [*COMMON, *_encodings(), *standard_modules(names)]
    scanned: set[str] = set()
    while waiting:
        for name in waiting:
            _try_import(name)
        loaded = set(standard_modules(sys.modules)) - scanned
        scanned |= loaded
        waiting = sorted(
            name
            for name in {late for name in loaded for late in _late_imports(name)}
            if name not in sys.modules
            and _top(name) in sys.stdlib_module_names
            and not _is_on_request(name)
        )


def _is_on_request(name: str) -> bool:
    return _top(name) in _ON_REQUEST or name in _ON_REQUEST


def _encodings() -> list[str]:
    import encodings

    names = {name[:-3] for name in os.listdir(encodings.__path__[0]) if name.endswith(".py")}
    return sorted(f"encodings.{name}" for name in names - {"__init__", "mbcs", "oem"})


def _try_import(name: str) -> None:
    if name in sys.modules:
        return
    # A module may fail in any way here, for lack of a platform feature, and
    # `from a import b` may name something that is no module.
    with contextlib.suppress(Exception), contextlib.redirect_stderr(io.StringIO()):
        importlib.import_module(name)


def _late_imports(name: str) -> set[str]:
    """Returns what a loaded standard module imports inside functions."""
    module: ModuleType = sys.modules[name]
    spec = getattr(module, "__spec__", None)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return set()
    with open(spec.origin, encoding="utf-8") as file:
        source = file.read()
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    found: set[str] = {_BY_NAME[name]} if name in _BY_NAME else set()
    for plain, dots, base, members in _LAZY_IMPORT.findall(source):
        if plain:
            found.add(plain)
            continue
        target = base
        if dots:
            with contextlib.suppress(ImportError):
                target = importlib.util.resolve_name(dots + base, package)
        if not target:
            continue
        found.add(target)
        if hasattr(sys.modules.get(target), "__path__"):
            names = (part.split()[0] for part in members.split(",") if part.strip())
            found.update(f"{target}.{member}" for member in names)
    return found
