"""Runs a plugin's code on your own machine, with credentials that a test gives."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nousviz_sdk import _broker_client, jobs
from nousviz_sdk.credentials import DATABASE

_PLUGIN_ID = "NOUSVIZ_PLUGIN_ID"


def fake_db_credentials() -> dict[str, str]:
    """Return a login for the database that no real server has."""
    return {"user": "nousviz_plugin", "password": "test"}


def reset_sdk_state() -> None:
    """Forget resolver, credentials that were read, and the current run."""
    _broker_client.reset_resolver_for_tests()
    _broker_client.reset_cache_for_tests()
    jobs._set_current_run_id(None)


@contextmanager
def use_test_credentials(
    creds: Mapping[str, Any],
    db_creds: Mapping[str, Any] | None = None,
    plugin_id: str = "test-plugin",
) -> Iterator[None]:
    """Answer with `creds` for every plugin, and with `db_creds` as the database's login.

    An empty `db_creds` means that there is no database.
    """
    reset_sdk_state()
    answer = {**creds, DATABASE: dict(fake_db_credentials() if db_creds is None else db_creds)}
    before = os.environ.get(_PLUGIN_ID)
    os.environ[_PLUGIN_ID] = plugin_id
    _broker_client.register_resolver(lambda _: answer)
    try:
        yield
    finally:
        reset_sdk_state()
        if before is None:
            os.environ.pop(_PLUGIN_ID, None)
        else:
            os.environ[_PLUGIN_ID] = before
