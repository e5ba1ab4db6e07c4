"""`skep:app/notify`."""

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


declared = ("sold",)
sent: list[tuple[str, str]] = []


def send(action: str, payload: str) -> None:
    if action not in declared:
        raise Err(Error_Undeclared(action))
    if len(payload) > 1_000:
        raise Err(Error_Invalid("the payload is larger than 256 KiB"))
    if len(sent) == 2:
        raise Err(Error_OverLimit("the call has sent its 2 notifications"))
    sent.append((action, payload))
