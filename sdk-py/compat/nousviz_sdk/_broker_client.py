"""Answers for the host in tests: what `nousviz_sdk.testing` puts in the host's place.

The names are those of the original's private module, which tests of plugins use.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from nousviz_sdk._errors import CredentialBrokerUnavailable

Resolver = Callable[[str], dict[str, Any]]

# What the resolver is asked for where nobody says which plugin is meant.
CORE = "__core__"

_resolver: Resolver | None = None


def register_resolver(resolver: Resolver) -> None:
    """Makes `resolver` answer: it takes a plugin's id and returns its credentials."""
    global _resolver
    _resolver = resolver


def reset_resolver_for_tests() -> None:
    """Lets the host answer again."""
    global _resolver
    _resolver = None


def reset_cache_for_tests() -> None:
    """Forgets the credentials that were read."""
    from nousviz_sdk import credentials

    credentials.forget()


def is_registered() -> bool:
    """Tells whether a resolver answers."""
    return _resolver is not None


def get_cached(plugin_id: str | None = None) -> dict[str, Any]:
    """Returns what the resolver says of a plugin.

    Without an id it is asked for NOUSVIZ_PLUGIN_ID, else for `__core__`. Raises
    `CredentialBrokerUnavailable` where there is none: a host gives single credentials only.
    """
    if _resolver is None:
        raise CredentialBrokerUnavailable(
            "no resolver is registered: a host gives credentials one by one, by get_credential"
        )
    return _resolver(plugin_id or os.environ.get("NOUSVIZ_PLUGIN_ID") or CORE)
