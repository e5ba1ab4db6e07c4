"""`skep:app/types`."""

from dataclasses import dataclass


@dataclass
class Failure:
    name: str
    message: str
    trace: str | None
