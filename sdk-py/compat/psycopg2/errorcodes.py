"""SQLSTATE codes by name, such as `UNIQUE_VIOLATION = "23505"`."""

from __future__ import annotations

from psycopg2._conditions import CLASSES, CONDITIONS


def _define() -> None:
    names = globals()
    for code, name in CLASSES.items():
        names[f"CLASS_{name}"] = code
    for code, condition in CONDITIONS.items():
        name = condition.upper()
        if name in names:
            # The later class has the plain name, as in psycopg2.
            names[f"{name}_"] = names[name]
        names[name] = code


_define()


def __getattr__(name: str) -> str:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def lookup(code: str) -> str:
    """Return the name of a code or of a class. Raises `KeyError` for an unknown one."""
    if code in CONDITIONS:
        return CONDITIONS[code].upper()
    return f"CLASS_{CLASSES[code]}"
