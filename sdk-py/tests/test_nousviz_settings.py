"""`nousviz_sdk.settings`: the app's settings under the names that plugins use."""

from __future__ import annotations

from typing import Any

import pytest

from nousviz_sdk import CredentialBrokerError, get_connection_field, get_setting, set_setting
from nousviz_sdk.settings import delete_setting, list_settings
from skep import _host
from skep.errors import InvalidSetting, UndeclaredSetting

Bindings = Any


@pytest.fixture
def values(bindings: Bindings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    declared = ("fast", "count", "conn.host", "conn.port", "conn.writes")
    monkeypatch.setattr(bindings.settings, "declared", declared)
    kept: dict[str, str] = bindings.settings.values
    return kept


def test_a_setting_keeps_its_type(values: dict[str, str]) -> None:
    for value in (False, 0, "", 1.5, "x"):
        set_setting("shop", "count", value)
        assert get_setting("shop", "count", "default") == value
        assert type(get_setting("shop", "count")) is type(value)


def test_the_default_counts_where_there_is_no_value(values: dict[str, str], caplog: Any) -> None:
    assert get_setting("shop", "fast") is None
    assert get_setting("shop", "fast", 5) == 5
    assert caplog.messages == []
    assert get_setting("shop", "undeclared", 5) == 5
    assert "undeclared" in caplog.text


def test_the_default_counts_where_nobody_can_be_asked(caplog: Any) -> None:
    _host.use(_host.NoHost())

    assert get_setting("shop", "fast", 5) == 5
    assert list_settings("shop") == {}
    assert "skep.testing" in caplog.text


def test_a_connection_s_fields_are_text(values: dict[str, str]) -> None:
    values.update({"conn.host": '"db"', "conn.port": "5432", "conn.writes": "false"})

    assert get_connection_field("shop", "host") == "db"
    assert get_connection_field("shop", "port") == "5432"
    assert get_connection_field("shop", "writes") == "False"
    assert get_setting("shop", "_conn.port") == "5432"
    assert get_connection_field("shop", "none", 1) == 1


def test_a_connection_s_field_is_set_and_deleted_too(values: dict[str, str]) -> None:
    set_setting("shop", "_conn.port", 0)
    assert values == {"conn.port": "0"}
    delete_setting("shop", "_conn.port")
    assert values == {}


def test_all_are_listed_as_plugins_know_them(values: dict[str, str]) -> None:
    values.update({"conn.port": "5432", "fast": "false"})

    assert list_settings("shop") == {"_conn.port": "5432", "fast": False}


def test_deleting_what_is_not_there_is_no_error(values: dict[str, str]) -> None:
    delete_setting("shop", "fast")
    delete_setting("shop", "undeclared")


def test_what_cannot_be_set_is_told(values: dict[str, str]) -> None:
    with pytest.raises(TypeError):
        set_setting("shop", "count", object())
    with pytest.raises(UndeclaredSetting, match="undeclared"):
        set_setting("shop", "undeclared", 1)
    with pytest.raises(InvalidSetting):
        set_setting("shop", "count", None)
    assert values == {}


def test_another_app_s_settings_are_out_of_reach(values: dict[str, str], caplog: Any) -> None:
    values["fast"] = "true"

    assert get_setting("bank", "fast", "default") == "default"
    assert list_settings("bank") == {}
    assert "broker denied" in caplog.text
    with pytest.raises(CredentialBrokerError, match="broker denied"):
        set_setting("bank", "fast", False)
    with pytest.raises(CredentialBrokerError, match="broker denied"):
        delete_setting("bank", "fast")
    assert values == {"fast": "true"}
