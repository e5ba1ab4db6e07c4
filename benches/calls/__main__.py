"""Measures calls of apps against servers without a sandbox: the command is `make bench`."""

import argparse
import json
import os
import platform
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import report
import servers
from load import WORKS, Target, Work, check, measure
from report import Series
from servers import INSTANCES, Programs, Skep

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
# Connections at a time, and for how many seconds a round then lasts.
LOADS = {16: 2, 1: 1}
WARM_UP_SECONDS = 1


def main() -> None:
    arguments = parse()
    programs = Programs(arguments.skep, arguments.axum_peer, arguments.python, arguments.component)
    # The embedded database may run as another user, which has to pass through.
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skep-calls-")))
        scratch.chmod(0o711)
        targets = start(programs, scratch, stack)
        results = [
            series
            for work in WORKS
            for connections in LOADS
            for series in compare(targets, work, connections, arguments.rounds)
        ]

    about = machine()
    RESULTS.write_text(json.dumps(report.document(results, about), indent=1) + "\n")
    print(f"\n{', '.join(f'{key} {value}' for key, value in about.items())}\n")
    print(report.table(results))
    print(f"\n`ping` with {max(LOADS)} connections, on two cores:\n")
    print(report.expectations(results, max(LOADS)))
    print(f"\nevery round: {RESULTS}")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for program in ("skep", "axum-peer", "python", "component"):
        parser.add_argument(f"--{program}", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def start(programs: Programs, scratch: Path, stack: ExitStack) -> list[Target]:
    """Start every server, until `stack` is closed, and see that it does its work."""
    skep = Skep(programs.skep, scratch)
    stack.enter_context(skep.serve())
    sources = {"python": HERE / "app/main.py", "compiled": programs.component}
    targets = [
        skep.deploy(f"{language}_{instances}", instances, source)
        for language, source in sources.items()
        for instances in INSTANCES
    ]
    database = skep.create_database("calls_peers")
    targets.append(stack.enter_context(servers.fastapi_peer(programs.python, database)))
    targets.append(stack.enter_context(servers.axum_peer(programs.axum_peer, database)))
    for target in targets:
        for work in WORKS:
            check(target, work)
    return targets


def compare(targets: Sequence[Target], work: Work, connections: int, rounds: int) -> list[Series]:
    """Measure the servers in turn, so that a slow moment of the machine meets them all."""
    print(f"{work.name}, {connections} connections", flush=True)
    for target in targets:
        measure(target, work, connections, WARM_UP_SECONDS)
    taken = [
        [measure(target, work, connections, LOADS[connections]) for target in targets]
        for _ in range(rounds)
    ]
    by_target = zip(*taken, strict=True)
    return [
        Series(work.name, connections, target.name, measured)
        for target, measured in zip(targets, by_target, strict=True)
    ]


def machine() -> dict[str, Any]:
    """Say on what the figures were taken."""
    described = ["git", "-C", str(HERE), "describe", "--always", "--dirty"]
    commit = subprocess.run(described, stdout=subprocess.PIPE, text=True).stdout.strip()
    return {
        "commit": commit,
        "cores": len(os.sched_getaffinity(0)),
        "processor": processor(),
        "kernel": platform.release(),
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


main()
