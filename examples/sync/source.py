"""Where the items come from: a server, or the sample that comes with the app.

A source is asked for the items that have changed since a place, a text of its own that it gave
with the page before. It answers with the items, oldest change first, with the place that they
reach, and with how many are left after them:

    GET SOURCE?limit=100&since=2026-03-01T08:00:00Z/7
    {"items": [{"id": 8, "name": "Bolt", "quantity": 5}], "since": "...", "left": 0}
"""

import json
import os
import urllib.parse
import urllib.request
from dataclasses import dataclass

import skep

SAMPLE = os.path.join(os.path.dirname(__file__), "sample.json")


@dataclass
class Page:
    """Items, the place that they reach, and how many are left after them."""

    items: list
    since: str
    left: int


def from_settings():
    """Returns the source that an operator has set, else the sample."""
    address = skep.settings.get("source")
    return Server(address) if address else Sample()


class Server:
    """A server that wants a token."""

    def __init__(self, address):
        self.name = address
        # Read here and kept nowhere else: the next sync sees a new one.
        self._token = skep.credentials.get("source_token")

    def page(self, since, size):
        """Fetches a page. What fails here fails the job, which is tried again later."""
        query = {"limit": size} if since is None else {"limit": size, "since": since}
        request = urllib.request.Request(
            f"{self.name}?{urllib.parse.urlencode(query)}",
            headers={"Authorization": f"Bearer {self._token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Page(**json.load(answer))


class Sample:
    """A file in the bundle, for trying the app without another system."""

    name = "the sample"

    def page(self, since, size):
        """Takes a page of the file."""
        with open(SAMPLE, encoding="utf-8") as file:
            changes = sorted(json.load(file), key=_place)
        new = [item for item in changes if since is None or _place(item) > since]
        page = new[:size]
        reached = _place(page[-1]) if page else since or ""
        return Page(page, reached, len(new) - len(page))


def _place(item):
    return f"{item['changed_at']}/{item['id']:09}"
