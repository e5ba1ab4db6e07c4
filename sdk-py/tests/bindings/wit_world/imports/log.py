"""`skep:app/log`."""

from enum import Enum


class Level(Enum):
    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3


lines: list[tuple[str, str, str | None]] = []


def write(level: Level, message: str, detail: str | None) -> None:
    lines.append((level.name.lower(), message, detail))
