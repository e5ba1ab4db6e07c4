"""Notifications to the users who have subscribed to them.

The manifest declares each in `actions`. They are sent when the call has succeeded, and those
of a job in the transaction that completes it: a call that fails, or an attempt that another
one took over from, sends none. The key `_actions` of an answer does the same.

Raises `UndeclaredAction`, `InvalidPayload` or `OverLimit` of `skep.errors`.
"""

from __future__ import annotations

from typing import Any

from skep import _host, _json


def send(action: str, payload: Any = None) -> None:
    """Send a notification when the call has succeeded.

    `payload` is what JSON can hold, as in an answer; without one it is an empty object.
    Raises `TypeError` for what JSON cannot hold.
    """
    _host.host.send_notification(action, _json.dumps({} if payload is None else payload))
