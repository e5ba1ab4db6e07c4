"""Read-only file access to the bundle, for apps that read their own data files.

It covers `open`, `os.stat`, `os.listdir`, `os.scandir`, `os.access` and all that
pathlib, glob and shutil build on them. It does not cover file descriptors
(`os.open`), `mmap`, and C code such as sqlite3.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import stat
import tokenize
from collections.abc import Callable, Iterator
from typing import Any, Self

from skep._bundle import ROOT, Bundle


class _Entry:
    """What `os.scandir` gives for one name; the rest of `os.DirEntry` follows from it."""

    def __init__(self, files: _BundleFiles, folder: str, name: str) -> None:
        self._files = files
        self.name = name
        self.path = f"{folder}/{name}"

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self.path in self._files.bundle.folders

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return not self.is_dir()

    def is_symlink(self) -> bool:
        return False

    def is_junction(self) -> bool:
        return False

    def inode(self) -> int:
        return 0

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        return self._files.stat(self.path)

    def __fspath__(self) -> str:
        return self.path


class _Entries:
    """An iterator that is a context manager too, as `os.scandir` gives."""

    def __init__(self, entries: Iterator[_Entry]) -> None:
        self._entries = entries

    def __iter__(self) -> Iterator[_Entry]:
        return self._entries

    def __next__(self) -> _Entry:
        return next(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Does nothing: no directory is open."""


class _BundleFiles:
    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def stat(self, path: str) -> os.stat_result:
        if path in self.bundle.folders:
            return os.stat_result((stat.S_IFDIR | 0o555, 0, 0, 1, 0, 0, 0, 0, 0, 0))
        data = self._data(path)
        return os.stat_result((stat.S_IFREG | 0o444, 0, 0, 1, 0, 0, len(data), 0, 0, 0))

    def names(self, path: str) -> list[str]:
        if path in self.bundle.folders:
            return list(self.bundle.folders[path])
        self._data(path)
        raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)

    def entries(self, path: str) -> _Entries:
        return _Entries(iter([_Entry(self, path, name) for name in self.names(path)]))

    def access(self, path: str, mode: int) -> bool:
        known = path in self.bundle.folders or path in self.bundle.files
        return known and not mode & os.W_OK

    def open(self, path: str, mode: str, options: dict[str, Any]) -> Any:
        if any(letter in mode for letter in "wax+"):
            raise OSError(errno.EROFS, "The bundle is read-only", path)
        if path in self.bundle.folders:
            raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
        raw = io.BytesIO(self._data(path))
        if "b" in mode:
            return raw
        encoding = options.get("encoding") or "utf-8"
        return io.TextIOWrapper(
            raw, encoding, options.get("errors"), newline=options.get("newline")
        )

    def _data(self, path: str) -> bytes:
        try:
            return self.bundle.files[path]
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "No such file in the bundle", path) from None


def _inside(path: Any) -> str | None:
    """Returns the bundle's path that is meant, or None where it is another file."""
    if isinstance(path, int):
        return None
    try:
        text = os.fspath(path)
    except TypeError:
        return None
    if not isinstance(text, str) or not text.startswith(ROOT):
        return None
    normal = os.path.normpath(text)
    return normal if normal == ROOT or normal.startswith(f"{ROOT}/") else None


def install(bundle: Bundle) -> None:
    """Replaces the functions that reach files, for paths of the bundle only."""
    files = _BundleFiles(bundle)
    real_open = io.open

    def open_file(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **named: Any) -> Any:
        path = _inside(file)
        if path is None:
            return real_open(file, mode, buffering, *args, **named)
        options = dict(zip(("encoding", "errors", "newline"), args, strict=False))
        return files.open(path, mode, {**options, **named})

    def answering(real: Any, answer: Callable[[str], Any]) -> Any:
        def call(path: Any = ".", *args: Any, **named: Any) -> Any:
            inside = _inside(path)
            return real(path, *args, **named) if inside is None else answer(inside)

        return call

    real_access = os.access

    def access(path: Any, mode: int, **named: Any) -> bool:
        inside = _inside(path)
        return real_access(path, mode, **named) if inside is None else files.access(inside, mode)

    builtins.open = open_file
    io.open = open_file
    # It keeps a reference of its own, and shows the source lines of tracebacks.
    setattr(tokenize, "_builtin_open", open_file)  # noqa: B010
    os.stat = answering(os.stat, files.stat)
    os.lstat = answering(os.lstat, files.stat)
    os.listdir = answering(os.listdir, files.names)
    setattr(os, "scandir", answering(os.scandir, files.entries))  # noqa: B010
    os.access = access
