"""The app on a real database, with the sample and with a real server as its source.

`DATABASE_URL` names a database that may be written to.
"""

import http.server
import json
import os
import threading
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import psycopg2
import pytest
import skep.testing
from skep.errors import CredentialNotSet

FOLDER = Path(__file__).parents[1]
TOKEN = "the token"


@pytest.fixture
def app():
    """Makes the app, with tables that are empty at first."""

    def make(**settings):
        app = skep.testing.App(FOLDER, credentials={"source_token": TOKEN}, settings=settings)
        _run("TRUNCATE sync_items, sync_state")
        return app

    yield make
    _run("DROP TABLE IF EXISTS sync_items, sync_state")


def _run(statement):
    conn = psycopg2.connect(os.environ["DATABASE_URL"])
    with conn, conn.cursor() as cur:
        cur.execute(statement)
    conn.close()


@pytest.fixture
def source():
    """A server with three items, which answers in the way that `source.py` describes."""

    class Source(http.server.BaseHTTPRequestHandler):
        items = [{"id": n, "name": f"item {n}", "quantity": n} for n in (1, 2, 3)]
        asked = []
        broken_at = None

        def do_GET(self):
            query = dict(parse_qsl(urlsplit(self.path).query))
            self.asked.append((self.headers["Authorization"], query))
            begin = int(query.get("since", 0))
            if begin == self.broken_at:
                self.send_error(500)
                return
            page = self.items[begin : begin + int(query["limit"])]
            reached = begin + len(page)
            body = {"items": page, "since": str(reached), "left": len(self.items) - reached}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Source)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Source.address = f"http://127.0.0.1:{server.server_port}/items"
    yield Source
    server.shutdown()
    thread.join()
    server.server_close()


def sync(app, **data):
    # What a sync commits is what these tests are about, so it is kept.
    return app.call({"action": "sync", **data}, rollback=False)


def names(app):
    return [item["name"] for item in app.call({"action": "list"})["items"]]


def test_the_sample_is_copied_once(app):
    app = app(page_size=2)

    assert sync(app)["rows"] == 5
    assert sync(app)["rows"] == 0
    assert sync(app, full=True)["rows"] == 5
    assert names(app) == ["Bolt M6", "Nut M6", "Washer M6", "Hinge", "Handle"]


def test_a_server_is_asked_page_by_page_with_the_token(app, source):
    app = app(source=source.address, page_size=2)

    assert sync(app) == {"rows": 3, "since": "3"}
    assert source.asked == [
        (f"Bearer {TOKEN}", {"limit": "2"}),
        (f"Bearer {TOKEN}", {"limit": "2", "since": "2"}),
    ]


def test_only_what_is_new_is_copied(app, source):
    app = app(source=source.address)
    sync(app)
    source.items.append({"id": 1, "name": "renamed", "quantity": 9})

    assert sync(app) == {"rows": 1, "since": "4"}
    assert names(app) == ["renamed", "item 2", "item 3"]


def test_a_sync_that_breaks_goes_on_where_it_was(app, source):
    app = app(source=source.address, page_size=2)
    source.broken_at = 2
    with pytest.raises(Exception, match="500"):
        sync(app)
    assert names(app) == ["item 1", "item 2"]

    source.broken_at = None
    assert sync(app) == {"rows": 1, "since": "3"}


def test_a_server_needs_its_token(source):
    app = skep.testing.App(FOLDER, settings={"source": source.address})

    with pytest.raises(CredentialNotSet, match="source_token"):
        app.call({"action": "sync"})
    assert source.asked == []


def test_an_unknown_action_is_said(app):
    assert app().call({"action": "dance"}) == {"error": "unknown action 'dance'"}
