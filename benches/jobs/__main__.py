"""Measures jobs on a running server: python3 benches/jobs URL TOKEN APP [--backlog N].

APP is any app whose `execute` does two transactions, such as one that commits in between; deploy it
with `"jobs": {"concurrency": 32}` and start the server with `SKEP_JOBS_AT_ONCE=16`. What is printed
is one JSON object: pickup in milliseconds, jobs per second, and both again before a backlog.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import datetime
import json
import statistics
import time
import urllib.request
from typing import Any

PICKUPS = 200
JOBS = 2_000
SENDERS = 8


class Server:
    """One server, as whoever holds the token."""

    def __init__(self, url: str, token: str, app: str) -> None:
        self.url, self.token, self.app = url.rstrip("/"), token, app

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Sends one request and returns its JSON."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

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
    for number in range(PICKUPS):
        job = server.finished(server.queue(number))
        times.append(1000 * (moment(job["attempts"][0]["started_at"]) - moment(job["created_at"])))
    cuts = statistics.quantiles(times, n=100)
    return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}


def fill(server: Server, jobs: int) -> float:
    """Queues jobs from several senders at once; how many a second."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SENDERS) as senders:
        for _ in senders.map(server.queue, range(jobs)):
            pass
    return jobs / (time.monotonic() - began)


def drain(server: Server, jobs: int) -> float:
    """Queues jobs and waits until all are done; how many a second."""
    began = time.monotonic()
    fill(server, jobs)
    while server.open_jobs():
        time.sleep(0.1)
    return jobs / (time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("token")
    parser.add_argument("app")
    parser.add_argument("--backlog", type=int, default=0, help="jobs that wait meanwhile")
    arguments = parser.parse_args()
    server = Server(arguments.url, arguments.token, arguments.app)
    report: dict[str, Any] = {
        "pickup": pickup(server),
        "jobs_per_second": round(drain(server, JOBS), 1),
    }
    if arguments.backlog:
        report["queued_per_second"] = round(fill(server, arguments.backlog), 1)
        began = time.monotonic()
        while server.open_jobs():
            time.sleep(1)
        report["backlog_per_second"] = round(arguments.backlog / (time.monotonic() - began), 1)
    print(json.dumps(report, indent=2))


main()
