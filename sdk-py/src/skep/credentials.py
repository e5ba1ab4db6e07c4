"""Secrets that an operator keeps for the app: tokens, passwords, service-account files.

The manifest declares each by its name, in `needs.credentials`; an operator sets it with
`skep credentials set`. Every read is recorded. Read a credential where you use it: nothing
is kept between reads, so that a new value is seen at once. Do not put it into an answer,
a log line, an exception or a table.

Reading raises `UndeclaredCredential`, `CredentialNotSet`, `OverLimit` or `HostUnavailable`
of `skep.errors`. Module-level code can read in `load` and in calls; at build there are none.
"""

from __future__ import annotations

import json
from typing import Any

from skep import _host


def get_bytes(name: str) -> bytes:
    """Return the credential as it was set."""
    return _host.host.get_credential(name)


def get(name: str) -> str:
    """Return the credential as text.

    Raises `ValueError` where it is none; `get_bytes` takes anything.
    """
    try:
        return get_bytes(name).decode()
    except UnicodeDecodeError:
        text = f"the credential `{name}` is no text: use get_bytes"
    # Out here, because the error in there holds the secret, and tracebacks are logged.
    raise ValueError(text)


def get_json(name: str) -> Any:
    """Return the credential after JSON, as service-account files are.

    Raises `ValueError` where it is none.
    """
    try:
        return json.loads(get_bytes(name))
    except ValueError:
        text = f"the credential `{name}` is no JSON"
    raise ValueError(text)
