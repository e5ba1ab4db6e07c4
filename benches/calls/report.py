"""The table that a run prints, and the JSON that it leaves."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from load import Measurement


@dataclass(frozen=True)
class Series:
    """The rounds of one server at one work, in the order in which they ran."""

    work: str
    connections: int
    server: str
    rounds: Sequence[Measurement]


@dataclass(frozen=True)
class Expectation:
    """What the design promises of `ping` on two cores. It is shown, and never enforced."""

    server: str
    peer: str
    ratio: float


EXPECTATIONS = (
    Expectation("python_reused", "fastapi", 2.5),
    Expectation("compiled_fresh", "axum", 0.25),
    Expectation("python_fresh", "fastapi", 0.1),
)

HEADS = ("work", "connections", "server", "calls a second", "of axum", "of FastAPI", "p50", "p99")


def ratios(of: Series, to: Series) -> list[float]:
    """Compare round by round, because neighbours in time ran on the same machine state."""
    return [
        mine.per_second / other.per_second for mine, other in zip(of.rounds, to.rounds, strict=True)
    ]


def table(results: Sequence[Series]) -> str:
    """Give the Markdown table of a run."""
    lines = ["| " + " | ".join(HEADS) + " |", "|" + " --- |" * len(HEADS)]
    for series in results:
        cells = [series.work, str(series.connections), series.server.replace("_", ", ")]
        cells.append(spread([each.per_second for each in series.rounds], "{:,.0f}".format))
        for peer in ("axum", "fastapi"):
            compared = ratios(series, find(results, series.work, series.connections, peer))
            cells.append("1" if series.server == peer else spread(compared, significant))
        cells.append(duration([each.p50_us for each in series.rounds]))
        cells.append(duration([each.p99_us for each in series.rounds]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def expectations(results: Sequence[Series], connections: int) -> str:
    """Say what `ping` should reach, and what it reached."""
    lines = []
    for expected in EXPECTATIONS:
        mine = find(results, "ping", connections, expected.server)
        compared = ratios(mine, find(results, "ping", connections, expected.peer))
        server = expected.server.replace("_", ", ")
        lines.append(
            f"- {server}: at least {expected.ratio:g} of {expected.peer}; "
            f"measured {spread(compared, significant)}"
        )
    return "\n".join(lines)


def document(results: Sequence[Series], about: dict[str, Any]) -> dict[str, Any]:
    """Give everything that was measured, for programs."""
    return about | {
        "results": [
            {
                "work": series.work,
                "connections": series.connections,
                "server": series.server,
                "rounds": [vars(each) for each in series.rounds],
            }
            for series in results
        ],
    }


def find(results: Sequence[Series], work: str, connections: int, server: str) -> Series:
    wanted = (work, connections, server)
    return next(each for each in results if wanted == (each.work, each.connections, each.server))


def spread(values: Sequence[float], show: Callable[[float], str]) -> str:
    """Show the median, with the lowest and the highest behind it."""
    return f"{show(statistics.median(values))} ({show(min(values))} to {show(max(values))})"


def significant(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2g}"


def duration(microseconds: Sequence[int]) -> str:
    return f"{statistics.median(microseconds) / 1000:.2f} ms"
