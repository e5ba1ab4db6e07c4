"""A bundle held in memory: compiled modules, their sources, and data files.

A cell has no file system with the app in it, so the build reads everything once
and the snapshot keeps it. Paths are those that the app sees, below `ROOT`.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass, field
from types import CodeType

ROOT = "/app"
LIBS = f"{ROOT}/libs"

# Larger files belong to the frontend or to a database, not into a cell's memory.
MAX_FILE = 4 * 1024 * 1024
MAX_FILES = 32 * 1024 * 1024

_SKIPPED_FOLDERS = {"__pycache__", "node_modules"}
_SKIPPED_SUFFIXES = {".so", ".pyc", ".pyd", ".wasm"}


@dataclass
class Bundle:
    """Everything of a bundle that an app can reach at run time, by path."""

    files: dict[str, bytes] = field(default_factory=dict)
    folders: dict[str, list[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    codes: dict[str, CodeType] = field(default_factory=dict)

    def code(self, path: str) -> CodeType:
        """Returns a module's code. Raises `SyntaxError` where it has none."""
        compiled = self.codes.get(path)
        if compiled is None:
            compiled = compile(self.source(path), path, "exec", dont_inherit=True)
            self.codes[path] = compiled
        return compiled

    def source(self, path: str) -> str:
        """Returns a module's source. Raises `SyntaxError` for a wrong encoding."""
        text = self.sources.get(path)
        if text is None:
            text = self.sources[path] = _decode(self.files[path], path)
        return text


def _decode(data: bytes, path: str) -> str:
    import importlib.util

    try:
        return importlib.util.decode_source(data)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise SyntaxError(str(error), (path, 1, 1, None)) from None


def read(directory: str) -> Bundle:
    """Reads the bundle in `directory` and compiles its modules.

    A module that does not compile fails only where it is imported: libraries ship
    templates and test files that were never meant to run.
    """
    bundle = Bundle()
    read_into(bundle, directory)
    for path in bundle.files:
        if path.endswith(".py"):
            try:
                bundle.code(path)
            except (SyntaxError, ValueError):
                continue
    return bundle


def read_into(bundle: Bundle, directory: str) -> None:
    """Fills `bundle` with the files in `directory`; modules are compiled where they are imported.

    Raises `ValueError` where they are too many.
    """
    total = 0
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(
            name for name in folders if name not in _SKIPPED_FOLDERS and not name.startswith(".")
        )
        inside = os.path.relpath(folder, directory)
        virtual = ROOT if inside == "." else f"{ROOT}/{inside}"
        kept = []
        for name in sorted(names):
            source = os.path.join(folder, name)
            size = os.path.getsize(source)
            if os.path.splitext(name)[1] in _SKIPPED_SUFFIXES or size > MAX_FILE:
                continue
            total += size
            if total > MAX_FILES:
                raise ValueError(f"the bundle's files exceed {MAX_FILES // 1024 // 1024} MiB")
            with open(source, "rb") as file:
                bundle.files[f"{virtual}/{name}"] = file.read()
            kept.append(name)
        bundle.folders[virtual] = folders + kept


def imported_names(bundle: Bundle) -> set[str]:
    """Collects every absolute module name that the bundle's modules import anywhere."""
    names: set[str] = set()
    for path in bundle.codes:
        for node in ast.walk(ast.parse(bundle.source(path))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
                names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def defines_execute(bundle: Bundle) -> bool:
    """Tells from its source whether `main.py` binds `execute` at module level."""
    for node in ast.walk(ast.parse(bundle.source(f"{ROOT}/main.py"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "execute":
            return True
        if isinstance(node, ast.ImportFrom) and any(
            (alias.asname or alias.name) in ("execute", "*") for alias in node.names
        ):
            return True
        if isinstance(node, ast.Name) and node.id == "execute" and isinstance(node.ctx, ast.Store):
            return True
    return False
