"""Measures jobs on a running server: python3 benches/jobs URL TOKEN [--backlog N].

It deploys the app that it measures, whose calls do two transactions. The floor is measured in the
same run with the same clients: the same app, called without a queue. What is printed is one JSON
object: pickup in milliseconds, calls and jobs per second; and with `--backlog`, while so many jobs
of another app wait, how long jobs take to be picked up then, and how fast the backlog goes.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import io
import itertools
import json
import statistics
import time
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any

SOURCE = """
def execute(data, conn=None):
    with conn.cursor() as cursor:
        if "number" not in data:
            cursor.execute("SELECT count(*) FROM {table} WHERE done")
            return {{"done": cursor.fetchone()[0]}}
        cursor.execute("INSERT INTO {table} VALUES (%s, false)", (data["number"],))
        conn.commit()
        cursor.execute("UPDATE {table} SET done = true WHERE number = %s", (data["number"],))
    return {{}}
"""
# Of calls and jobs: keys of one table, which may have those of an earlier run.
NUMBERS = itertools.count(time.time_ns())
PICKUPS = 200
JOBS = 2_000
SENDERS = 8


class Server:
    """One server, as whoever holds the token."""

    def __init__(self, url: str, token: str, app: str) -> None:
        self.url, self.token, self.app = url.rstrip("/"), token, app
        self.deploy()

    def deploy(self) -> None:
        """Deploys the app, whose table has its name."""
        table = self.app.replace("-", "_")
        manifest = {
            "app_name": self.app,
            "version": "1.0.0",
            "actions": [],
            "tables": [
                f"CREATE TABLE IF NOT EXISTS {table} (number BIGINT PRIMARY KEY, done BOOL)"
            ],
            "jobs": {"concurrency": 32},
        }
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("manifest.json", json.dumps(manifest))
            archive.writestr("main.py", SOURCE.format(table=table))
        head = "--bundle\r\nContent-Disposition: form-data; name=file; filename=app.zip\r\n\r\n"
        form = head.encode() + bundle.getvalue() + b"\r\n--bundle--\r\n"
        self.send("POST", "/admin/api/apps/deploy", form, "multipart/form-data; boundary=bundle")

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Any:
        """Sends one request and returns the JSON of its answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Sends JSON and returns the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, path, data, "application/json")

    def call(self, number: int) -> None:
        """Does the work without a queue."""
        self.ask("POST", f"/api/sync/{self.app}", {"number": number})

    def done(self) -> int:
        """Tells how often the work was done."""
        done: int = self.ask("POST", f"/api/sync/{self.app}", {})["done"]
        return done

    def queue(self, number: int) -> str:
        """Queues a job and returns its id."""
        job: str = self.ask("POST", f"/api/async/{self.app}", {"number": number})["job_id"]
        return job

    def finished(self, job: str) -> Any:
        """Waits for a job and returns it with its attempts."""
        while True:
            found = self.ask("GET", f"/api/jobs/{job}")
            if found["status"] in ("completed", "failed"):
                return found
            time.sleep(0.005)

    def open_jobs(self) -> bool:
        """Tells whether any job of the app waits or runs."""
        return any(
            self.ask("GET", f"/api/jobs?app={self.app}&status={status}&limit=1")["jobs"]
            for status in ("pending", "running")
        )


def moment(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def pickup(server: Server) -> dict[str, float]:
    """Queues jobs one after the other; the time from the row to the start of the attempt."""
    times = []
    for _ in range(PICKUPS):
        job = server.finished(server.queue(next(NUMBERS)))
        times.append(1000 * (moment(job["attempts"][0]["started_at"]) - moment(job["created_at"])))
    cuts = statistics.quantiles(times, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


def rate(work: Callable[[int], object], times: int) -> float:
    """Does something so many times from several senders at once; how often a second."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
        for _ in senders.map(work, range(times)):
            pass
    return round(times / (time.monotonic() - began), 1)


def drain(server: Server, jobs: int) -> float:
    """Queues jobs and waits until all are done; how many a second."""
    began = time.monotonic()
    rate(lambda _: server.queue(next(NUMBERS)), jobs)
    while server.open_jobs():
        time.sleep(0.1)
    return round(jobs / (time.monotonic() - began), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("--backlog", type=int, default=0, help="jobs that wait meanwhile")
    arguments = parser.parse_args()
    server = Server(arguments.url, arguments.token, "jobs-bench")
    floor = rate(lambda _: server.call(next(NUMBERS)), JOBS)
    report: dict[str, Any] = {"pickup": pickup(server), "calls_per_second": floor}
    report["jobs_per_second"] = drain(server, JOBS)
    report["share_of_the_floor"] = round(report["jobs_per_second"] / floor, 2)
    if arguments.backlog:
        other = Server(arguments.url, arguments.token, "jobs-backlog")
        before = other.done()
        report["queued_per_second"] = rate(lambda _: other.queue(next(NUMBERS)), arguments.backlog)
        done, began = other.done(), time.monotonic()
        report["waiting_then"] = arguments.backlog - (done - before)
        report["pickup_then"] = pickup(server)
        report["backlog_per_second"] = round((other.done() - done) / (time.monotonic() - began), 1)
    print(json.dumps(report, indent=2))


main()
