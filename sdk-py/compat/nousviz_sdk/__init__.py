"""nousviz_sdk 1.0.0 for apps in a cell of Skep: the same names over Skep's own interfaces.

It is on the path of a cell only. Elsewhere, plugins use the published nousviz-sdk.
`nousviz_sdk.sync` and `nousviz_sdk.testing` are imported by their own names.
"""

from __future__ import annotations

from typing import Any

from nousviz_sdk import hooks, jobs, progress, schedule, settings
from nousviz_sdk import logging as _logging  # noqa: F401
from nousviz_sdk._errors import CredentialBrokerError, CredentialBrokerUnavailable
from nousviz_sdk.credentials import get_credential
from nousviz_sdk.db import DictCursor, dict_cursor, get_pg_conn
from nousviz_sdk.hooks import HookContext, HookResult
from nousviz_sdk.logging import log_event
from nousviz_sdk.routing import router_for_plugin
from nousviz_sdk.settings import get_connection_field, get_setting, set_setting

__version__ = "1.0.0"

__all__ = [
    "CredentialBrokerError",
    "CredentialBrokerUnavailable",
    "DictCursor",
    "HookContext",
    "HookResult",
    "dict_cursor",
    "get_connection_field",
    "get_credential",
    "get_pg_conn",
    "get_setting",
    "hooks",
    "jobs",
    "log_event",
    "progress",
    "router_for_plugin",
    "schedule",
    "set_setting",
    "settings",
]

# They keep sessions of the platform's own pages and sign-ins in progress.
_ABSENT = {
    "auth": "admin sessions of plugins",
    "issue_admin_session_cookie": "admin sessions of plugins",
    "oauth": "OAuth sign-ins of plugins",
    "start_oauth_flow": "OAuth sign-ins of plugins",
    "OAuthCallbackResult": "OAuth sign-ins of plugins",
}


def __getattr__(name: str) -> Any:
    if name in _ABSENT:
        raise ImportError(
            f"nousviz_sdk.{name} is not there: Skep has no {_ABSENT[name]}", name=__name__
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
