"""Settings of the app: typed values that operators and the app itself may change.

Keys are those that the manifest declares in `settings`. A connection's field `host`, which
plugins know as `_conn.host`, is declared as `conn.host`.
"""

from __future__ import annotations

import logging
from typing import Any

from nousviz_sdk import _owner
from skep import settings as _settings
from skep.errors import SkepError, UndeclaredSetting

_log = logging.getLogger("nousviz_sdk.settings")

_CONNECTION = "_conn."
_DECLARED = "conn."


def get_setting(plugin_id: str, key: str, default: Any = None) -> Any:
    """Return a setting; `default` where it has no value, and where it cannot be read."""
    if not _owner.is_own(plugin_id):
        _log.warning("%s; the default counts", _owner.denied(plugin_id, "settings"))
        return default
    try:
        value = _settings.get(_declared(key))
    except SkepError as error:
        _log.warning("get_setting: %s; the default counts", error)
        return default
    return default if value is None else _as_plugins_know_it(key, value)


def set_setting(plugin_id: str, key: str, value: Any) -> None:
    """Change a setting. It stays, whatever becomes of the call.

    Raises `TypeError` for what JSON cannot hold, `CredentialBrokerError` for another app's
    and `UndeclaredSetting`, `InvalidSetting`, `OverLimit` or `HostUnavailable` of
    `skep.errors`.
    """
    _must_be_own(plugin_id)
    _settings.set(_declared(key), value)


def list_settings(plugin_id: str) -> dict[str, Any]:
    """Return every setting that has a value, by its key; none where they cannot be read."""
    if not _owner.is_own(plugin_id):
        _log.warning("%s", _owner.denied(plugin_id, "settings"))
        return {}
    try:
        values = _settings.all()
    except SkepError as error:
        _log.warning("list_settings: %s", error)
        return {}
    keys = {_known_to_plugins(key): value for key, value in values.items()}
    return {key: _as_plugins_know_it(key, value) for key, value in keys.items()}


def delete_setting(plugin_id: str, key: str) -> None:
    """Take a value away, so that the manifest's default counts again.

    One that is not there is no error. Raises as `set_setting` does.
    """
    _must_be_own(plugin_id)
    try:
        _settings.unset(_declared(key))
    except UndeclaredSetting:
        _log.debug("no setting %s to delete", key)


def get_connection_field(plugin_id: str, field_name: str, default: Any = None) -> Any:
    """Return a connection's field that is no secret, as text."""
    return get_setting(plugin_id, _CONNECTION + field_name, default)


def _must_be_own(plugin_id: str) -> None:
    if not _owner.is_own(plugin_id):
        raise _owner.denied(plugin_id, "settings")


def _declared(key: str) -> str:
    return _DECLARED + key.removeprefix(_CONNECTION) if key.startswith(_CONNECTION) else key


def _known_to_plugins(key: str) -> str:
    return _CONNECTION + key.removeprefix(_DECLARED) if key.startswith(_DECLARED) else key


def _as_plugins_know_it(key: str, value: Any) -> Any:
    """Returns a connection's field as text, which plugins take it for; the rest as it is."""
    return str(value) if key.startswith(_CONNECTION) else value
