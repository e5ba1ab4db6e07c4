"""`skep:app/caller`."""

from dataclasses import dataclass


@dataclass
class Identity:
    user_id: str
    username: str
    roles: list[str]
    permissions: list[str]


identity: Identity | None = None


def current() -> Identity | None:
    return identity


def call_id() -> str:
    return "call-1"
