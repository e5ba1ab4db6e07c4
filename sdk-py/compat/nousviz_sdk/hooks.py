"""What a lifecycle hook is called with, and what it returns."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any, Self

ALLOWED_HOOKS = frozenset(
    {"on_install", "on_credentials_saved", "on_first_run_success", "on_uninstall"}
)


@dataclass
class HookContext:
    """Which hook of which plugin is called. Credentials are read by `get_credential`."""

    plugin_id: str
    hook_name: str
    run_id: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_env(cls) -> Self:
        """Return what the environment says; outside a cell, where the runner sets it."""
        run = os.environ.get("NOUSVIZ_JOB_RUN_ID", "")
        try:
            payload = json.loads(os.environ.get("NOUSVIZ_HOOK_PAYLOAD", ""))
        except ValueError:
            payload = {}
        return cls(
            plugin_id=os.environ.get("NOUSVIZ_PLUGIN_ID", ""),
            hook_name=os.environ.get("NOUSVIZ_HOOK_NAME", ""),
            run_id=int(run) if run.isdigit() else None,
            payload=payload if isinstance(payload, dict) else {},
        )


@dataclass
class HookResult:
    """What a hook came to."""

    ok: bool
    message: str | None = None
    data: Any = None

    def to_json(self) -> str:
        """Return it as JSON text. Raises `TypeError` for data that JSON cannot hold."""
        return json.dumps({"ok": self.ok, "message": self.message, "data": self.data})
