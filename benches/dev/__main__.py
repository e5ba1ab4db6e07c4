"""Measures how long an edit of an app takes until a call answers with it: `skep dev` against
uvicorn's `--reload` with the same handler, edit by edit in turns.

    python3 benches/dev --skep SKEP --python VENV/bin/python [--rounds N]

`--python` is the one with FastAPI and uvicorn that `scripts/bench.sh` makes. What a person waits
for is measured: from the end of writing the file to the end of the answer.
"""

from __future__ import annotations

import argparse
import http.client
import json
import pathlib
import re
import socket
import statistics
import subprocess
import tempfile
import time

APP = """
def execute(data, conn=None):
    with conn.cursor() as cur:
        cur.execute("SELECT count(*) FROM edits_items")
        return {{"edit": {edit}, "items": cur.fetchone()[0]}}
"""
PEER = """
from fastapi import FastAPI

app = FastAPI()


@app.post("/api/sync/edits")
def execute() -> dict:
    return {{"edit": {edit}}}
"""
MANIFEST = {
    "app_name": "edits",
    "version": "1.0.0",
    "tables": ["CREATE TABLE IF NOT EXISTS edits_items (name text)"],
}
# Between two questions whether the edit is there.
POLL = 0.002


class Server:
    """A server that runs what is in a file, and a way to ask it."""

    def __init__(self, file: pathlib.Path, text: str, process: subprocess.Popen[str]) -> None:
        self.file = file
        self.text = text
        self.process = process
        self.address = ("127.0.0.1", 0)
        self.headers: dict[str, str] = {}

    def ask(self) -> int | None:
        """Returns the edit that the server has, or None where it does not answer."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        try:
            connection.request("POST", "/api/sync/edits", "{}", self.headers)
            answer = connection.getresponse()
            text = answer.read()
            return int(json.loads(text)["edit"]) if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def edit(self, number: int) -> float:
        """Writes an edit and returns how many seconds it takes until it answers."""
        self.file.write_text(self.text.format(edit=number))
        since = time.perf_counter()
        while self.ask() != number:
            time.sleep(POLL)
        return time.perf_counter() - since

    def wait(self) -> None:
        """Waits until it answers at all."""
        while self.ask() is None:
            time.sleep(POLL)

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()


def start_skep(skep: str, folder: pathlib.Path) -> Server:
    """Starts `skep dev`, and logs in by its link."""
    app = folder / "edits"
    app.mkdir()
    (app / "manifest.json").write_text(json.dumps(MANIFEST))
    file = app / "main.py"
    file.write_text(APP.format(edit=0))
    command = [skep, "dev", "--listen", "127.0.0.1:0", "--data", str(folder / "data"), str(app)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    server = Server(file, APP, process)
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://([\d.]+):(\d+)(/dev/login\S+)", line):
            server.address = (found[1], int(found[2]))
            connection = http.client.HTTPConnection(*server.address)
            connection.request("GET", found[3])
            cookie = connection.getresponse().headers["set-cookie"].split(";")[0]
            server.headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
            break
    # What it prints must not fill the pipe.
    subprocess.Popen(["cat"], stdin=process.stdout, stdout=subprocess.DEVNULL)
    server.wait()
    return server


def start_uvicorn(python: str, folder: pathlib.Path) -> Server:
    """Starts uvicorn, which watches its folder."""
    file = folder / "server.py"
    file.write_text(PEER.format(edit=0))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    command = [python, "-m", "uvicorn", "--reload", "--log-level", "error"]
    command += ["--port", str(port), "server:app"]
    server = Server(file, PEER, subprocess.Popen(command, cwd=folder, text=True))
    server.address = ("127.0.0.1", port)
    server.wait()
    return server


def shown(times: list[float]) -> str:
    """The median with the lowest and the highest, in milliseconds."""
    low, middle, high = min(times) * 1000, statistics.median(times) * 1000, max(times) * 1000
    return f"{middle:.0f} ms ({low:.0f} to {high:.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skep", required=True, help="the optimised binary")
    parser.add_argument("--python", required=True, help="a Python with FastAPI and uvicorn")
    parser.add_argument("--rounds", type=int, default=20, help="edits of each server")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # The embedded database may run as another user, which has to pass through.
        pathlib.Path(folder).chmod(0o711)
        servers = [
            start_skep(arguments.skep, pathlib.Path(folder)),
            start_uvicorn(arguments.python, pathlib.Path(folder)),
        ]
        times: list[list[float]] = [[], []]
        try:
            for number in range(1, arguments.rounds + 2):
                for server, taken in zip(servers, times, strict=True):
                    taken.append(server.edit(number))
        finally:
            for server in servers:
                server.stop()
    # The first is for warming up.
    ours, peer = times[0][1:], times[1][1:]
    ratios = [one / other for one, other in zip(ours, peer, strict=True)]
    print("| server | edit to answer |")
    print("| --- | --- |")
    print(f"| skep dev | {shown(ours)} |")
    print(f"| uvicorn --reload | {shown(peer)} |")
    print(f"\nskep dev takes {statistics.median(ratios):.2f} of uvicorn's time")


main()
