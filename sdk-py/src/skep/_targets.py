"""The functions that a manifest names: its hooks and tasks."""

from __future__ import annotations

import ast
import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from skep import _phase
from skep._bundle import ROOT, Bundle
from skep._importer import PACKAGE


class TargetMissing(Exception):
    """The named function is not there."""


@dataclass(frozen=True)
class Target:
    """A function by its module. `place` is where the manifest names it."""

    place: str
    module: str
    function: str

    @property
    def paths(self) -> tuple[str, str]:
        """The files that can hold the module."""
        base = f"{ROOT}/{self.module.replace('.', '/')}"
        return f"{base}.py", f"{base}/__init__.py"

    def find(self) -> Callable[..., Any]:
        """Imports the module and returns the function. Raises `TargetMissing`."""
        before = _phase.current
        # As for any module that a call is the first to import: its tables are there.
        _phase.enter(_phase.Phase.IMPORT)
        try:
            module = importlib.import_module(f"{PACKAGE}.{self.module}")
        finally:
            _phase.enter(before)
        found = getattr(module, self.function, None)
        if not callable(found):
            text = f"function '{self.function}' not found in module '{self.module}'"
            raise TargetMissing(text)
        function: Callable[..., Any] = found
        return function


@dataclass
class Targets:
    """What a manifest names, by the names of hooks and tasks."""

    hooks: dict[str, Target] = field(default_factory=dict)
    tasks: dict[str, Target] = field(default_factory=dict)

    def all(self) -> Iterator[Target]:
        """Goes through all of them."""
        yield from self.hooks.values()
        yield from self.tasks.values()


def read(manifest: bytes | None) -> Targets:
    """Reads a `manifest.json`. What does not fit is left out: the host tells the author of it."""
    targets = Targets()
    try:
        fields = json.loads(manifest or b"{}")
    except ValueError:
        return targets
    if not isinstance(fields, dict):
        return targets
    for hook, function in _members(fields, "hooks"):
        _add(targets.hooks, f"hooks.{hook}", hook, function)
    for task, entry in _members(fields, "tasks"):
        if isinstance(entry, dict):
            _add(targets.tasks, f"tasks.{task}.run", task, entry.get("run"))
    return targets


def _members(fields: dict[str, Any], key: str) -> list[tuple[str, Any]]:
    members = fields.get(key)
    return list(members.items()) if isinstance(members, dict) else []


def _add(targets: dict[str, Target], place: str, name: str, text: Any) -> None:
    module, colon, function = text.partition(":") if isinstance(text, str) else ("", "", "")
    if colon:
        module = module.removesuffix(".py").replace("/", ".")
        targets[name] = Target(place, module, function)


def problem(bundle: Bundle, target: Target) -> tuple[str, str] | None:
    """Says what is wrong with a target, and in which file; None if it is there.

    Nothing is imported: that a module needs the database is no reason to refuse it.
    """
    path = next((path for path in target.paths if path in bundle.files), None)
    if path is None:
        file = target.paths[0].removeprefix(f"{ROOT}/")
        text = (
            f"`{target.place}` names `{target.module}:{target.function}`, and the bundle has no "
            f"file {file}: add it, or name another"
        )
        return text, "manifest.json"
    if not _binds(ast.parse(bundle.source(path)), target.function):
        file = path.removeprefix(f"{ROOT}/")
        text = (
            f"`{target.place}` of the manifest names the function `{target.function}`, which is "
            "not there: define it, or name another"
        )
        return text, file
    return None


def _binds(node: ast.AST, name: str) -> bool:
    """Tells whether a module's own code gives something this name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # What is inside has its own names.
            if child.name == name:
                return True
            continue
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            names = [(alias.asname or alias.name).partition(".")[0] for alias in child.names]
            if name in names or "*" in names:
                return True
        if isinstance(child, ast.Name) and child.id == name and isinstance(child.ctx, ast.Store):
            return True
        if _binds(child, name):
            return True
    return False
