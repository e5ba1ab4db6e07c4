"""`skep:app/credentials`."""

from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err


@dataclass
class Error_Undeclared:
    value: str


@dataclass
class Error_NotSet:
    value: str


@dataclass
class Error_OverLimit:
    value: str


@dataclass
class Error_Unavailable:
    pass


declared = ("erp", "account", "raw", "unset")
secrets: dict[str, bytes] = {}

# Set by a test: what is refused.
refusal: Any = None

asked: list[str] = []


def get(name: str) -> bytes:
    asked.append(name)
    if refusal is not None:
        raise Err(refusal)
    if name not in declared:
        raise Err(Error_Undeclared(name))
    if name not in secrets:
        raise Err(Error_NotSet(name))
    return secrets[name]
