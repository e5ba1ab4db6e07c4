"""The frame of a sync script: its arguments, since when to fetch, and what it came to."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from nousviz_sdk import jobs
from nousviz_sdk.db import get_pg_conn
from nousviz_sdk.logging import log_event

# The history of the app's own jobs. A completed job does not change any more.
_LAST = """
    SELECT updated_at FROM noderouter_core.job_queue
    WHERE status = 'completed' AND result #>> '{data,job_id}' = %s
    ORDER BY id DESC LIMIT 1
"""


class BaseSyncScript:
    """A sync script. Derive from it, set `plugin_id`, and write `run`.

    A job that runs it returns what `main` with arguments returns; the next one finds that in
    the app's history of jobs, and so knows since when to fetch:

        def execute(data):
            return MySync().main(["--full"] if data.get("full") else [])
    """

    plugin_id = ""

    def __init__(self) -> None:
        logging.basicConfig(
            level=logging.INFO, format="%(asctime)s [%(levelname)s] %(name)s: %(message)s"
        )
        self.logger = logging.getLogger(f"nousviz.sync.{self.plugin_id}")
        self._run_id: int | None = None
        self._is_running = False
        self._rows_synced = 0
        self._rows_failed = 0
        self._details: dict[str, Any] = {}

    def get_credentials(self) -> dict[str, Any]:
        """Return the script's credentials: none, unless it is overridden."""
        return {}

    def run(self, since: datetime | None = None) -> Any:
        """Fetch what has changed since then, or all where `since` is None. Override it."""
        raise NotImplementedError(f"{type(self).__name__}.run() is not implemented")

    def log_sync_result(
        self, rows_synced: int = 0, rows_failed: int = 0, details: Mapping[str, Any] | None = None
    ) -> None:
        """Say what was done. Of several calls the last counts are kept, and all details."""
        self._rows_synced = rows_synced
        self._rows_failed = rows_failed
        self._details.update(details or {})
        self.logger.info("Sync result: %d synced, %d failed", rows_synced, rows_failed)
        if not self._is_running:
            note = "recorded via log_sync_result() without main()"
            log_event("info", note, {**self._result(), "source": "standalone"})

    def get_last_sync_time(self) -> datetime | None:
        """Return when the newest successful sync had ended; None where that is not known."""
        try:
            with get_pg_conn() as conn, conn.cursor() as cur:
                cur.execute(_LAST, (self._job_id(),))
                row = cur.fetchone()
        except Exception as error:
            self.logger.warning("The last sync is not known: %s", error)
            return None
        return None if row is None else row[0]

    def main(self, argv: Sequence[str] | None = None) -> dict[str, Any] | None:
        """Read the arguments, call `run`, and tell what it came to.

        With `argv` it returns a dictionary with `ok`, `message` and `data`. Without, it reads
        the arguments of the program and returns None, as a script does.

        Raises what `run` raises, `RuntimeError` without a `plugin_id`, and `SystemExit` with
        code 2 for wrong arguments.
        """
        if not self.plugin_id:
            raise RuntimeError(f"{type(self).__name__}.plugin_id must be set")
        arguments = _arguments(argv)
        since = self._since(arguments)
        self._run_id = jobs.get_run_id()
        self._is_running = True
        jobs._set_current_run_id(self._run_id)
        started = time.monotonic()
        try:
            self.run(since=since)
        except Exception as error:
            self.logger.error("Sync failed: %s: %s", type(error).__name__, error)
            log_event("error", "what the sync had done when it failed", self._result())
            raise
        finally:
            jobs.flush()
            jobs._set_current_run_id(None)
            self._is_running = False
        if argv is None:
            return None
        data = self._result()
        data["source"] = arguments.source
        data["since"] = None if since is None else since.isoformat()
        data["duration_ms"] = round(1000 * (time.monotonic() - started))
        return {"ok": True, "message": f"{data['rows_written']} rows synced", "data": data}

    def _since(self, arguments: argparse.Namespace) -> datetime | None:
        if arguments.days:
            return datetime.now(UTC) - timedelta(days=arguments.days)
        return None if arguments.full else self.get_last_sync_time()

    def _job_id(self) -> str:
        return f"sync:{self.plugin_id}"

    def _result(self) -> dict[str, Any]:
        details = {**self._details, "rows_failed": self._rows_failed}
        return {
            "job_id": self._job_id(),
            "rows_written": self._rows_synced,
            # Dates and the like are told as text rather than fail a sync that went well.
            "details": json.loads(json.dumps(details, default=str)),
        }


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    # A cell has no program whose name could be shown.
    parser = argparse.ArgumentParser(prog="sync")
    parser.add_argument("--days", type=int, help="fetch the changes of so many days")
    parser.add_argument("--full", action="store_true", help="fetch everything")
    parser.add_argument("--source", default="cron", help="who asked for it")
    return parser.parse_args(argv)
