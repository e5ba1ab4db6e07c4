"""One exception class for each SQLSTATE, such as `UniqueViolation`.

The classes are made from PostgreSQL's list of conditions; `lookup` finds one by
its code.
"""

from __future__ import annotations

from psycopg2._conditions import CONDITIONS
from psycopg2._exceptions import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
    QueryCanceledError,
    TransactionRollbackError,
    Warning,
)

_BASES: dict[str, type[Error]] = {
    "0A": NotSupportedError,
    "08": OperationalError,
    "20": ProgrammingError,
    "21": ProgrammingError,
    "22": DataError,
    "23": IntegrityError,
    "24": InternalError,
    "25": InternalError,
    "26": OperationalError,
    "27": OperationalError,
    "28": OperationalError,
    "2B": InternalError,
    "2D": InternalError,
    "2F": InternalError,
    "34": OperationalError,
    "38": InternalError,
    "39": InternalError,
    "3B": InternalError,
    "3D": ProgrammingError,
    "3F": ProgrammingError,
    "40": TransactionRollbackError,
    "42": ProgrammingError,
    "44": ProgrammingError,
    "53": OperationalError,
    "54": OperationalError,
    "55": OperationalError,
    "57": OperationalError,
    "58": OperationalError,
    "F0": InternalError,
    "HV": OperationalError,
    "P0": InternalError,
    "XX": InternalError,
}

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "QueryCanceledError",
    "TransactionRollbackError",
    "Warning",
    "lookup",
]

_classes: dict[str, type[Error]] = {}


def _base(code: str) -> type[Error]:
    if code == "57014":
        return QueryCanceledError
    return _BASES.get(code[:2], DatabaseError)


def _make_classes() -> None:
    taken = set(globals())
    for code, condition in CONDITIONS.items():
        name = "".join(part.capitalize() for part in condition.split("_"))
        if name == "InternalError":
            name = "InternalError_"
        if name in taken:
            name += "Ext"
        taken.add(name)
        made = type(name, (_base(code),), {"__module__": __name__})
        _classes[code] = made
        globals()[name] = made


_make_classes()


def __getattr__(name: str) -> type[Error]:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def lookup(code: str) -> type[Error]:
    """Return the exception class of a SQLSTATE. Raises `KeyError` for an unknown one."""
    return _classes[code]


def class_of(code: str) -> type[Error]:
    """Return the class to raise for a SQLSTATE, known or not."""
    return _classes.get(code) or _base(code)
