"""Load on one server: what is sent, and how fast the answers came."""

import json
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Work:
    """A request that every server answers alike."""

    name: str
    body: dict[str, Any]
    # None where the answer holds a new id.
    answer: dict[str, Any] | None


WORKS = (
    Work("ping", {"action": "ping", "value": "a"}, {"pong": "a"}),
    Work("read", {"action": "get", "id": 500}, {"id": 500, "name": "entry 500", "amount": 500}),
    Work("write", {"action": "add", "name": "apples", "amount": 3}, None),
)


@dataclass(frozen=True)
class Target:
    """A server that is measured."""

    name: str
    url: str
    token: str | None = None


@dataclass(frozen=True)
class Measurement:
    """One round."""

    per_second: float
    p50_us: int
    p99_us: int


def check(target: Target, work: Work) -> None:
    """Fail unless the server gives the right answer: a fast wrong one is worth nothing."""
    headers = {"Content-Type": "application/json"}
    if target.token is not None:
        headers["Authorization"] = f"Bearer {target.token}"
    request = urllib.request.Request(target.url, json.dumps(work.body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = json.load(response)
    good = answer == work.answer if work.answer is not None else list(answer) == ["id"]
    if not good:
        raise SystemExit(f"error: {target.name} answered {work.name} with {answer}")


def measure(target: Target, work: Work, connections: int, seconds: int) -> Measurement:
    """Send as many requests as the server answers, and fail if one is not answered well."""
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "10s", "--script", str(SCRIPT)]
    command += [target.url, "--", json.dumps(work.body)]
    if target.token is not None:
        command.append(target.token)
    printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    seen = json.loads(printed.splitlines()[-1])
    if seen["refused"] or seen["broken"] or not seen["requests"]:
        raise SystemExit(f"error: {target.name} did not answer every {work.name}: {seen}")
    per_second = seen["requests"] / (seen["microseconds"] / 1e6)
    return Measurement(per_second, seen["p50_us"], seen["p99_us"])
