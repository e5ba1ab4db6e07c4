"""Imports a bundle's modules from memory.

It plugs into Python's own path search as one more kind of path entry, so that
packages, namespace packages, relative imports and changes to `sys.path` behave as
they do with files.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType
from typing import Any

from skep._bundle import LIBS, ROOT, Bundle

# `main` is a module of this package, so that `from . import utils` works in it.
PACKAGE = "skep_bundle"
MAIN = f"{PACKAGE}.main"


class BundleLoader:
    """Loads one module from a bundle's compiled code."""

    def __init__(self, bundle: Bundle, name: str, path: str) -> None:
        self.bundle = bundle
        self.name = name
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.bundle.code(self.path), module.__dict__)

    def get_code(self, name: str) -> CodeType:
        return self.bundle.code(self.path)

    def get_source(self, name: str) -> str:
        return self.bundle.source(self.path)

    def get_filename(self, name: str) -> str:
        return self.path

    def is_package(self, name: str) -> bool:
        return self.path.endswith("/__init__.py")

    def get_data(self, path: str) -> bytes:
        try:
            return self.bundle.files[_normal(path)]
        except KeyError:
            raise FileNotFoundError(2, "No such file in the bundle", path) from None

    def get_resource_reader(self, name: str) -> Any:
        from importlib.readers import FileReader

        loader: Any = self
        return FileReader(loader)


class FolderFinder:
    """Finds modules in one folder of a bundle; what `sys.path_hooks` gives."""

    def __init__(self, bundle: Bundle, folder: str) -> None:
        self.bundle = bundle
        self.folder = folder

    def find_spec(self, name: str, target: ModuleType | None = None) -> ModuleSpec | None:
        base = f"{self.folder}/{name.rpartition('.')[2]}"
        for path, is_package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if path in self.bundle.files:
                loader: Any = BundleLoader(self.bundle, name, path)
                spec = ModuleSpec(name, loader, origin=path, is_package=is_package)
                spec.has_location = True
                if is_package:
                    spec.submodule_search_locations = [base]
                return spec
        if base in self.bundle.folders:
            spec = ModuleSpec(name, None, is_package=True)
            spec.submodule_search_locations = [base]
            return spec
        return None

    def invalidate_caches(self) -> None:
        """Does nothing: a bundle never changes."""


def _normal(path: str) -> str:
    import os

    return os.path.normpath(path)


def path_hook(bundle: Bundle) -> Callable[[str], FolderFinder]:
    """Returns a hook for `sys.path_hooks` that knows the bundle's folders."""

    def hook(path: str) -> FolderFinder:
        folder = _normal(path)
        if folder not in bundle.folders:
            raise ImportError(f"not a folder of the bundle: {path}")
        return FolderFinder(bundle, folder)

    return hook


def install(bundle: Bundle) -> None:
    """Makes the bundle's modules importable: `libs/` first, then its root."""
    sys.path_hooks.insert(0, path_hook(bundle))
    sys.path[:0] = [LIBS, ROOT] if LIBS in bundle.folders else [ROOT]
    sys.path_importer_cache.clear()


def forget_modules() -> None:
    """Drops every module of the bundle, so that the next import runs it again."""
    for name, module in list(sys.modules.items()):
        spec = getattr(module, "__spec__", None)
        if name == PACKAGE or (spec is not None and _belongs_to_bundle(spec)):
            del sys.modules[name]


def _belongs_to_bundle(spec: ModuleSpec) -> bool:
    if isinstance(spec.loader, BundleLoader):
        return True
    places = spec.submodule_search_locations
    return places is not None and any(str(place).startswith(f"{ROOT}/") for place in places)


def import_main(root: str = ROOT) -> ModuleType:
    """Imports `main` of the bundle at `root` into a fresh package and returns it."""
    package = ModuleType(PACKAGE)
    package.__path__ = [root]
    package.__spec__ = ModuleSpec(PACKAGE, None, is_package=True)
    package.__spec__.submodule_search_locations = [root]
    sys.modules[PACKAGE] = package
    return importlib.import_module(MAIN)
