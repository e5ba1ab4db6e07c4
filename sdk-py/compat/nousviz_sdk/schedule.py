"""When the plugin's sync runs by itself."""

from __future__ import annotations

_LABELS = {
    "0 */4 * * *": "Every 4 hours",
    "0 6 * * *": "Daily at 6am",
    "0 0 * * *": "Daily at midnight",
    "*/5 * * * *": "Every 5 minutes",
    "0 * * * *": "Hourly",
}


def label(cron: str) -> str | None:
    """Return a cron expression in words, where there are some; None for an empty one."""
    return _LABELS.get(cron, cron) or None
