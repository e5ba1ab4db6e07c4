"""What a lifecycle hook is called with, and what it may return.

The manifest's `hooks` name the functions. Each is called with a `HookContext`; it returns None, a
dictionary with `ok`, `message` and `data`, or a `HookResult`. What it raises makes it fail.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class HookContext:
    """Which hook of which app is called, and what it is told.

    `job` is the id of the job that runs it; None for `on_uninstall`, which is none.
    """

    app: str
    hook: str
    job: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)

    @property
    def plugin_id(self) -> str:
        """The app, in NousViz's word."""
        return self.app

    @property
    def hook_name(self) -> str:
        """The hook, in NousViz's word."""
        return self.hook

    @property
    def run_id(self) -> int | None:
        """A number made from the job's id, which NousViz's plugins expect."""
        return None if self.job is None else uuid.UUID(self.job).int & (2**63 - 1)


@dataclass
class HookResult:
    """What a hook came to. One that is not `ok` has failed."""

    ok: bool = True
    message: str | None = None
    data: Any = None
