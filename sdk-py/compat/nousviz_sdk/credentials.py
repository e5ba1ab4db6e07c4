"""Secrets that an operator keeps for the app.

Each key must stand in `needs.credentials` of the manifest. Reading works in every kind of
call, as often as it is wanted; a new value is seen by the next call.
"""

from __future__ import annotations

import contextlib
import logging

from nousviz_sdk import _broker_client, _owner
from nousviz_sdk._errors import CredentialBrokerError, CredentialBrokerUnavailable
from skep import _ending, _host
from skep.errors import (
    CredentialNotSet,
    HostUnavailable,
    NotInCell,
    OverLimit,
    SkepError,
    UndeclaredCredential,
)

__all__ = ["CredentialBrokerError", "CredentialBrokerUnavailable", "get_credential"]

_log = logging.getLogger("nousviz_sdk.credentials")

# The block with the database's password, which does not exist here.
DATABASE = "__db__"

# What this call has read, and no other: plugins ask again for each request that they send.
_read: dict[str, str] = {}


def get_credential(plugin_id: str, key: str, env_prefix: str | None = None) -> str | None:
    """Return a credential as text, or None where there is none. `env_prefix` is ignored.

    Raises `CredentialBrokerError` for another app's, for one that is no text, and for a call
    that reads too often; `CredentialBrokerUnavailable` outside a cell, and where the host
    cannot answer now.
    """
    if key == DATABASE:
        return None
    if _broker_client.is_registered():
        value: str | None = _broker_client.get_cached(plugin_id).get(key)
        return value
    if not _owner.is_own(plugin_id):
        _report_denial(plugin_id, key)
        raise _owner.denied(plugin_id, "credentials")
    if key not in _read:
        secret = _ask(key)
        if secret is None:
            return None
        _read[key] = _text(key, secret)
    return _read[key]


def forget() -> None:
    """Drops what this call has read."""
    _read.clear()


def _ask(key: str) -> bytes | None:
    try:
        return _host.host.get_credential(key)
    except CredentialNotSet:
        _log.debug("no credential %s", key)
        return None
    except UndeclaredCredential:
        _log.warning(
            "no credential %s: name it in needs.credentials of the manifest, or it was withdrawn",
            key,
        )
        return None
    except OverLimit as error:
        raise CredentialBrokerError(f"broker denied: {error}") from None
    except HostUnavailable as error:
        raise CredentialBrokerUnavailable(str(error)) from None
    except NotInCell:
        raise CredentialBrokerUnavailable(
            "credentials are there in a cell of Skep only; in tests use"
            " nousviz_sdk.testing.use_test_credentials or skep.testing"
        ) from None


def _text(key: str, secret: bytes) -> str:
    try:
        return secret.decode()
    except UnicodeDecodeError:
        pass
    # Out here, because the error in there holds the secret, and tracebacks are logged.
    raise CredentialBrokerError(
        f"broker error: the credential `{key}` is no text: read it by skep.credentials.get_bytes"
    )


def _report_denial(plugin_id: str, key: str) -> None:
    """Has the host record the refusal, under a name that no manifest can declare."""
    with contextlib.suppress(SkepError):
        _host.host.get_credential(f"{plugin_id}:{key}")


_ending.at_end(forget)
