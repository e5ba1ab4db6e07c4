"""`nousviz_sdk.schedule`: when the sync runs by itself."""

from __future__ import annotations

from typing import Any

import pytest

from nousviz_sdk.schedule import get_schedule, label
from skep import _host

Bindings = Any

NOTHING = {
    "plugin_id": "shop",
    "cron": "",
    "schedule_label": None,
    "next_run_at": None,
    "last_run_at": None,
    "active_run_id": None,
    "active_run_status": None,
    "execution_mode": "sync",
    "concurrency_policy": "skip_if_running",
}


@pytest.fixture
def made(bindings: Bindings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lets the app have schedules: each a name and what differs from the rest."""
    of = bindings.schedules

    def make(*wanted: tuple[str, dict[str, Any]]) -> None:
        plain = {
            "cron": "0 6 * * *",
            "timezone": "UTC",
            "label": "Daily at 6am",
            "overridden": False,
            "paused": False,
            "overlap": of.Overlap.QUEUE_AFTER,
            "missed": of.Missed.SKIP,
            "next_run": None,
            "last_run": None,
            "active_job": None,
            "active_status": None,
        }
        found = [of.Schedule(name=name, **{**plain, **fields}) for name, fields in wanted]
        monkeypatch.setattr(of, "schedules", found)

    return make


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 */4 * * *", "Every 4 hours"),
        ("0 6 * * *", "Daily at 6am"),
        ("0 0 * * *", "Daily at midnight"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 * * * *", "Hourly"),
        ("15 3 * * 1", "15 3 * * 1"),
        ("", None),
    ],
)
def test_a_schedule_has_a_label(cron: str, expected: str | None) -> None:
    assert label(cron) == expected


def test_the_only_schedule_is_the_sync_s(made: Any) -> None:
    made(
        (
            "nightly",
            {
                "next_run": "2026-03-02T06:00:00Z",
                "last_run": "2026-03-01T06:00:05Z",
                "active_job": "019a0000-0000-7000-8000-000000000005",
                "active_status": "pending",
            },
        )
    )
    assert get_schedule("shop") == {
        "plugin_id": "shop",
        "cron": "0 6 * * *",
        "schedule_label": "Daily at 6am",
        "next_run_at": "2026-03-02T06:00:00+00:00",
        "last_run_at": "2026-03-01T06:00:05+00:00",
        "active_run_id": 5,
        "active_run_status": "queued",
        "execution_mode": "sync",
        "concurrency_policy": "queue_after",
    }


def test_of_several_the_one_of_that_name_is(made: Any) -> None:
    made(("clean", {}), ("sync", {"cron": "0 * * * *"}))
    found = get_schedule("shop")
    assert found is not None
    assert found["schedule_label"] == "Hourly"

    made(("clean", {}), ("fetch", {}))
    assert get_schedule("shop") == NOTHING


def test_without_a_schedule_there_is_nothing_to_tell(made: Any) -> None:
    made()
    assert get_schedule("shop") == NOTHING


def test_another_app_s_schedule_is_not_told(made: Any, caplog: Any) -> None:
    made(("sync", {}))
    assert get_schedule("bank") is None
    assert "broker denied" in caplog.text


def test_one_that_cannot_be_read_is_nothing(bindings: Bindings, caplog: Any) -> None:
    _host.use(_host.NoHost())
    assert get_schedule("shop") == NOTHING
    assert "skep.testing" in caplog.text
