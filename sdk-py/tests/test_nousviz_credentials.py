"""`nousviz_sdk`: credentials of the app, and those that a test gives."""

from __future__ import annotations

import os
from typing import Any

import pytest

import nousviz_sdk
from nousviz_sdk import (
    CredentialBrokerError,
    CredentialBrokerUnavailable,
    _broker_client,
    get_credential,
    get_pg_conn,
)
from nousviz_sdk.testing import fake_db_credentials, reset_sdk_state, use_test_credentials
from skep import _ending, _host
from skep.errors import ResultNotReady

Bindings = Any


def test_a_credential_is_text(bindings: Bindings) -> None:
    bindings.credentials.secrets["erp"] = "a tökén".encode()

    assert get_credential("shop", "erp") == "a tökén"
    assert get_credential("shop", "erp", env_prefix="ERP") == "a tökén"


def test_one_that_is_not_there_is_none(bindings: Bindings, caplog: Any) -> None:
    assert get_credential("shop", "unset") is None
    assert caplog.messages == []
    assert get_credential("shop", "undeclared") is None
    assert "name it in needs.credentials" in caplog.text


def test_another_app_s_is_denied_and_the_host_hears_of_it(bindings: Bindings) -> None:
    bindings.credentials.secrets["erp"] = b"mine"

    with pytest.raises(CredentialBrokerError, match=r"broker denied: .*`bank`.*`shop`"):
        get_credential("bank", "erp")
    assert bindings.credentials.asked == ["bank:erp"]


def test_without_a_manifest_the_host_alone_decides(bindings: Bindings) -> None:
    from skep import _identity

    _identity.read(None)
    bindings.credentials.secrets["erp"] = b"mine"

    assert get_credential("whatever", "erp") == "mine"


def test_the_login_of_the_database_cannot_be_had(bindings: Bindings) -> None:
    bindings.credentials.secrets["__db__"] = b"{}"

    assert get_credential("shop", "__db__") is None
    assert bindings.credentials.asked == []
    with use_test_credentials({"erp": "x"}):
        assert get_credential("shop", "__db__") is None


def test_what_is_no_text_is_refused_without_the_secret(bindings: Bindings) -> None:
    bindings.credentials.declared += ("binary",)
    bindings.credentials.secrets["binary"] = b"\xff my secret"

    with pytest.raises(CredentialBrokerError, match=r"skep\.credentials\.get_bytes") as caught:
        get_credential("shop", "binary")
    assert caught.value.__context__ is None


def test_a_large_one_arrives_whole(bindings: Bindings) -> None:
    bindings.credentials.secrets["erp"] = b"x" * 1024 * 1024

    assert len(get_credential("shop", "erp") or "") == 1024 * 1024


def test_it_is_asked_for_once_a_call_and_again_in_the_next(bindings: Bindings) -> None:
    bindings.credentials.secrets["erp"] = b"old"
    assert [get_credential("shop", "erp") for _ in range(3)] == ["old"] * 3
    assert bindings.credentials.asked == ["erp"]

    _ending.run()
    bindings.credentials.secrets["erp"] = b"new"
    assert get_credential("shop", "erp") == "new"


@pytest.mark.parametrize(
    ("refusal", "raised", "text"),
    [
        (("Error_OverLimit", "1000 reads"), CredentialBrokerError, "broker denied: 1000 reads"),
        (("Error_Unavailable",), CredentialBrokerUnavailable, "could not be read now"),
    ],
)
def test_what_the_host_refuses_is_an_error_of_the_broker(
    bindings: Bindings, refusal: Any, raised: type[Exception], text: str
) -> None:
    name, *values = refusal
    bindings.credentials.refusal = getattr(bindings.credentials, name)(*values)

    with pytest.raises(raised, match=text):
        get_credential("shop", "erp")


def test_the_two_errors_are_siblings() -> None:
    for error, other in (
        (CredentialBrokerError, CredentialBrokerUnavailable),
        (CredentialBrokerUnavailable, CredentialBrokerError),
    ):
        assert issubclass(error, RuntimeError)
        assert not issubclass(error, other)


def test_outside_a_cell_nobody_can_be_asked() -> None:
    with pytest.raises(CredentialBrokerUnavailable, match="use_test_credentials"):
        get_credential("shop", "erp")
    with pytest.raises(CredentialBrokerUnavailable, match="no resolver"):
        _broker_client.get_cached()


def test_at_build_the_import_waits() -> None:
    _host.use(_host.BuildHost())
    try:
        with pytest.raises(ResultNotReady):
            get_credential("shop", "erp")
    finally:
        _host.use(_host.NoHost())


def test_test_credentials_answer_for_every_plugin_and_leave_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NOUSVIZ_PLUGIN_ID", "before")
    with use_test_credentials({"host": "localhost", "port": 5432}):
        assert get_credential("my-plugin", "host") == "localhost"
        assert get_credential("other", "port") == 5432  # type: ignore[comparison-overlap]
        assert get_credential("my-plugin", "missing") is None
        assert os.environ["NOUSVIZ_PLUGIN_ID"] == "test-plugin"
    assert os.environ["NOUSVIZ_PLUGIN_ID"] == "before"
    with pytest.raises(CredentialBrokerUnavailable):
        get_credential("my-plugin", "host")

    monkeypatch.delenv("NOUSVIZ_PLUGIN_ID")
    with pytest.raises(ValueError, match="from the test"), use_test_credentials({}, plugin_id="p"):
        raise ValueError("from the test")
    assert "NOUSVIZ_PLUGIN_ID" not in os.environ


def test_a_resolver_is_asked_for_who_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    _broker_client.register_resolver(lambda plugin: {"plugin": plugin})
    try:
        assert _broker_client.get_cached("a") == {"plugin": "a"}
        monkeypatch.setenv("NOUSVIZ_PLUGIN_ID", "b")
        assert _broker_client.get_cached() == {"plugin": "b"}
        monkeypatch.delenv("NOUSVIZ_PLUGIN_ID")
        assert _broker_client.get_cached() == {"plugin": "__core__"}
    finally:
        reset_sdk_state()
    assert not _broker_client.is_registered()


def test_the_test_s_login_leads_to_the_test_s_database(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Refused(Exception):
        pass

    def connect(**options: Any) -> Any:
        asked.update(options)
        raise Refused

    monkeypatch.setattr("psycopg2.connect", connect)
    monkeypatch.setenv("POSTGRES_HOST", "db.test")
    monkeypatch.setenv("POSTGRES_PORT", "5433")
    monkeypatch.delenv("POSTGRES_DB", raising=False)
    with use_test_credentials({}), pytest.raises(Refused), get_pg_conn():
        pass
    assert asked == {
        "host": "db.test",
        "port": 5433,
        "dbname": "nousviz",
        **fake_db_credentials(),
    }


@pytest.mark.parametrize("login", [{}, {"user": "u", "password": ""}])
def test_without_a_login_there_is_no_database(login: dict[str, str]) -> None:
    with (
        use_test_credentials({}, db_creds=login),
        pytest.raises(CredentialBrokerUnavailable, match="__db__"),
        get_pg_conn(),
    ):
        pass


def test_the_package_offers_what_there_is() -> None:
    assert {name for name in nousviz_sdk.__all__ if not hasattr(nousviz_sdk, name)} == set()
