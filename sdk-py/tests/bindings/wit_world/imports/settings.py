"""`skep:app/settings`."""

from dataclasses import dataclass

from componentize_py_types import Err


@dataclass
class Error_Undeclared:
    value: str


@dataclass
class Error_Invalid:
    value: str


@dataclass
class Error_OverLimit:
    value: str


@dataclass
class Error_Unavailable:
    pass


declared = ("fast", "count")
values: dict[str, str] = {}


def _declared(key: str) -> None:
    if key not in declared:
        raise Err(Error_Undeclared(key))


def get(key: str) -> str | None:
    _declared(key)
    return values.get(key)


def all() -> list[tuple[str, str]]:  # noqa: A001
    return list(values.items())


def set(key: str, value: str) -> None:  # noqa: A001
    _declared(key)
    if value == "null":
        raise Err(Error_Invalid("the setting `count` must be a number"))
    values[key] = value


def unset(key: str) -> None:
    _declared(key)
    values.pop(key, None)
