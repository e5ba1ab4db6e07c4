"""`nousviz_sdk.sync`: arguments, since when, and what a sync came to."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import psycopg2
from nousviz_sdk import jobs, progress
from nousviz_sdk.sync import BaseSyncScript

Bindings = Any

JOB = "019a0000-0000-7000-8000-000000000005"
LAST = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


class Sync(BaseSyncScript):
    plugin_id = "shop"
    last: datetime | None = LAST
    seen: Any = "not run"

    def get_last_sync_time(self) -> datetime | None:
        return self.last

    def run(self, since: datetime | None = None) -> Any:
        self.seen = since
        self.log_sync_result(rows_synced=3)
        return "ignored"


@pytest.mark.parametrize(
    ("argv", "since"),
    [
        ([], LAST),
        (["--full"], None),
        (["--days", "0"], LAST),
        (["--days", "0", "--full"], None),
        (["--source=manual"], LAST),
    ],
)
def test_arguments_say_since_when(
    bindings: Bindings, argv: list[str], since: datetime | None
) -> None:
    sync = Sync()
    sync.main(argv)
    assert sync.seen == since


@pytest.mark.parametrize("argv", [["--days", "7"], ["--days=7", "--full"]])
def test_days_go_before_full(bindings: Bindings, argv: list[str]) -> None:
    sync = Sync()
    before = datetime.now(UTC)
    sync.main(argv)
    assert before <= sync.seen + timedelta(days=7) <= datetime.now(UTC)


@pytest.mark.parametrize("argv", [["--days", "x"], ["--other"], ["more"]])
def test_wrong_arguments_end_with_code_2(bindings: Bindings, argv: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        Sync().main(argv)
    assert ended.value.code == 2
    assert argv[0] in capsys.readouterr().err


def test_without_arguments_those_of_the_program_count(
    bindings: Bindings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["src/sync.py", "--full"])
    sync = Sync()
    # A script ends with `sys.exit(main())`, where None is success.
    assert sync.main() is None
    assert sync.seen is None


def test_what_it_came_to_is_returned(bindings: Bindings) -> None:
    class Detailed(Sync):
        def run(self, since: datetime | None = None) -> None:
            self.log_sync_result(1, 5, {"a": 1, "when": LAST})
            self.log_sync_result(2, 0, {"b": 2})

    answer = Detailed().main(["--source", "manual"])
    assert answer is not None
    duration = answer["data"].pop("duration_ms")
    assert isinstance(duration, int)
    assert answer == {
        "ok": True,
        "message": "2 rows synced",
        "data": {
            "job_id": "sync:shop",
            "rows_written": 2,
            "details": {"a": 1, "when": str(LAST), "b": 2, "rows_failed": 0},
            "source": "manual",
            "since": "2026-03-01T12:30:00+00:00",
        },
    }
    assert json.dumps(answer)


def test_rows_may_be_counted_by_hand(bindings: Bindings) -> None:
    class ByHand(Sync):
        def run(self, since: datetime | None = None) -> None:
            self._rows_synced = 42

    answer = ByHand().main([])
    assert answer is not None
    assert answer["data"]["rows_written"] == 42


def test_an_exception_is_raised_again_and_what_was_done_is_told(bindings: Bindings) -> None:
    class Failing(Sync):
        def run(self, since: datetime | None = None) -> None:
            self.log_sync_result(7, 1, {"page": 3})
            raise ValueError("the source is broken")

    with pytest.raises(ValueError, match="the source is broken"):
        Failing().main([])
    [(level, _, detail)] = bindings.log.lines
    assert level == "error"
    assert json.loads(detail)["rows_written"] == 7
    assert json.loads(detail)["details"] == {"page": 3, "rows_failed": 1}


def test_a_script_without_a_plugin_or_a_run_is_an_error(bindings: Bindings) -> None:
    class Nobody(Sync):
        plugin_id = ""

    class Idle(BaseSyncScript):
        plugin_id = "shop"

    with pytest.raises(RuntimeError, match=r"^Nobody\.plugin_id must be set$"):
        Nobody().main([])
    with pytest.raises(NotImplementedError, match=r"^Idle\.run\(\) is not implemented$"):
        Idle().run()
    assert Idle().get_credentials() == {}


def test_the_run_is_known_while_it_runs(bindings: Bindings) -> None:
    class Knowing(Sync):
        def run(self, since: datetime | None = None) -> None:
            self.seen = (self._run_id, jobs.get_run_id(), jobs._current)

    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    sync = Knowing()
    sync.main([])
    assert sync.seen == (5, 5, 5)
    assert jobs._current is None

    with pytest.raises(KeyboardInterrupt):
        type("Stopped", (Sync,), {"run": _interrupted})().main([])
    assert jobs._current is None


def _interrupted(self: Any, since: Any = None) -> None:
    raise KeyboardInterrupt


def test_the_last_progress_of_a_run_is_sent(bindings: Bindings) -> None:
    class Showing(Sync):
        def run(self, since: datetime | None = None) -> None:
            for page in range(1, 5):
                progress.report(25 * page, f"page {page}")

    bindings.jobs.job = bindings.jobs.Job(JOB, 1)
    Showing().main([])
    assert bindings.jobs.reports == [(25, "page 1"), (99, "page 4")]


def test_a_result_outside_of_a_run_is_a_line_of_the_log(bindings: Bindings) -> None:
    Sync().log_sync_result(5, details={"a": 1})
    [(level, message, detail)] = bindings.log.lines
    assert (level, message) == ("info", "recorded via log_sync_result() without main()")
    assert json.loads(detail) == {
        "job_id": "sync:shop",
        "rows_written": 5,
        "details": {"a": 1, "rows_failed": 0},
        "source": "standalone",
    }


def test_its_logger_is_the_plugin_s() -> None:
    assert Sync().logger.name == "nousviz.sync.shop"


HISTORY = """
    CREATE SCHEMA noderouter_core;
    CREATE TABLE noderouter_core.job_queue (
        id int, status text, result json, updated_at timestamptz
    );
    INSERT INTO noderouter_core.job_queue VALUES
        (1, 'completed', '{"data": {"job_id": "sync:shop"}}', '2026-01-01'),
        (2, 'completed', '{"data": {"job_id": "sync:shop"}}', '2026-01-02'),
        (3, 'failed', '{"data": {"job_id": "sync:shop"}}', '2026-01-03'),
        (4, 'completed', '{"data": {"job_id": "sync:bank"}}', '2026-01-04'),
        (5, 'completed', '{"data": 5}', '2026-01-05'),
        (6, 'completed', '[1]', '2026-01-06'),
        (7, 'completed', NULL, '2026-01-07'),
        (8, 'running', NULL, '2026-01-08');
"""


class Plain(BaseSyncScript):
    plugin_id = "shop"


def test_the_last_sync_is_the_newest_that_succeeded(db: Any) -> None:
    conn = psycopg2.connect()
    conn.cursor().execute(HISTORY)
    conn.commit()

    assert Plain().get_last_sync_time() == datetime(2026, 1, 2, tzinfo=UTC)
    assert type("Other", (Plain,), {"plugin_id": "other"})().get_last_sync_time() is None


def test_a_last_sync_that_cannot_be_told_is_none(db: Any, caplog: Any) -> None:
    assert Plain().get_last_sync_time() is None
    assert "not known" in caplog.text
