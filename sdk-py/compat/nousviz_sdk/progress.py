"""How far the current run is, in percent, words and rows."""

from __future__ import annotations

from typing import Any

from nousviz_sdk import jobs


def report(
    pct: float | None = None,
    message: str | None = None,
    rows_done: int | None = None,
    rows_total: int | None = None,
) -> None:
    """Show progress; what is None stays as it was. See `jobs.heartbeat` for how often.

    `pct` is held between 0 and 100; what is not a number counts as 100. Raises `ValueError`
    or `TypeError` for what cannot be made a number.
    """
    progress: dict[str, Any] = {}
    if pct is not None:
        # In this order `min` gives 100 for NaN, as it always did.
        progress["pct"] = max(0.0, min(100.0, float(pct)))
    if message is not None:
        progress["message"] = str(message)
    if rows_done is not None:
        progress["rows_done"] = int(rows_done)
    if rows_total is not None:
        progress["rows_total"] = int(rows_total)
    jobs.heartbeat(progress or None)
