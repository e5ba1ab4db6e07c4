"""Whose secrets and settings are meant: the app's own, and no other's.

In the original the argument `plugin_id` chooses. Here the host has chosen already, and the
argument can only be right or wrong.
"""

from __future__ import annotations

from nousviz_sdk._errors import CredentialBrokerError
from skep import _identity


def is_own(plugin_id: str) -> bool:
    """Tells whether `plugin_id` is this app. Where no manifest was read, any is."""
    return _identity.app_name is None or plugin_id == _identity.app_name


def denied(plugin_id: str, what: str) -> CredentialBrokerError:
    """Describes that `what` of another app was asked for."""
    return CredentialBrokerError(
        f"broker denied: {what} of `{plugin_id}` were asked for by `{_identity.app_name}`,"
        " and an app reaches its own only"
    )
