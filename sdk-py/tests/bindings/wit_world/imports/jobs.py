"""`skep:app/jobs`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err


@dataclass
class Job:
    id: str
    attempt: int


class Priority(enum.Enum):
    LOW = 0
    NORMAL = 1
    HIGH = 2


@dataclass
class Request:
    payload: str
    task: str | None
    key: str | None
    priority: Priority
    delay_ms: int


class Error_NotAJob:
    pass


class Error_Superseded:
    pass


@dataclass
class Error_Invalid:
    value: str


class Error_QueueFull:
    pass


class Error_TimedOut:
    pass


class Error_Unavailable:
    pass


# Set by a test: the job that the call works at, and what is refused.
job: Job | None = None
refusal: Any = None

reports: list[tuple[int | None, str | None]] = []
queued: list[tuple[Any, Request]] = []


def current() -> Job | None:
    return job


def report(percent: int | None, text: str | None) -> None:
    if job is None:
        raise Err(Error_NotAJob())
    if refusal is not None:
        raise Err(refusal)
    reports.append((percent, text))


def is_cancelled() -> bool:
    return isinstance(refusal, Error_Superseded)


def enqueue(request: Request) -> str:
    return enqueue_with(None, request)


def enqueue_with(connection: Any, request: Request) -> str:
    if refusal is not None:
        raise Err(refusal)
    queued.append((connection, request))
    return f"job-{len(queued)}"
