"""Settings of the app: typed values that operators and the app itself may change.

The manifest declares each by its key, in `settings`, with its type and default. A value
stays when another release is deployed; one that does not fit what the release declares
counts as not set.

Functions raise `UndeclaredSetting`, `InvalidSetting`, `OverLimit` or `HostUnavailable` of
`skep.errors`. At build there are no values; module-level code that reads one has its import
left to the first call.
"""

from __future__ import annotations

import json
from typing import Any

from skep import _host


def get(key: str) -> Any:
    """Return the value of a setting, or its default; None where it has neither."""
    text = _host.host.get_setting(key)
    return None if text is None else json.loads(text)


def all() -> dict[str, Any]:  # noqa: A001
    """Return every declared setting that has a value or a default, by its key."""
    return {key: json.loads(text) for key, text in _host.host.all_settings()}


def set(key: str, value: Any) -> None:  # noqa: A001
    """Change a setting.

    It stays, whatever becomes of the call. False, 0 and "" are values; `unset` goes back to
    the default. Raises `TypeError` for what JSON cannot hold.
    """
    _host.host.set_setting(key, json.dumps(value, allow_nan=False))


def unset(key: str) -> None:
    """Take a value away, so that the default counts again."""
    _host.host.unset_setting(key)
