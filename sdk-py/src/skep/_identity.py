"""Which app this is, as its manifest says.

Nothing is decided by it: the host knows which app a cell belongs to, whatever this says. It
lets a mistake, such as asking for another app's secret, be told in the author's own words.
"""

from __future__ import annotations

import json

app_name: str | None = None
"""The app's name; None where no manifest was read, or none with a name."""


def read(manifest: bytes | None) -> None:
    """Takes the name from the text of a `manifest.json`. What is no manifest has none."""
    global app_name
    app_name = None
    try:
        fields = json.loads(manifest or b"{}")
    except ValueError:
        # Whoever deploys it is told by the host, with the line.
        return
    if isinstance(fields, dict):
        name = fields.get("app_name") or fields.get("name")
        app_name = name if isinstance(name, str) else None
