"""Errors of an app as its author reads them: only the app's own frames."""

from __future__ import annotations

import traceback

from skep._bundle import ROOT

# The server shows what follows this marker to whoever deploys.
BUILD_MARKER = "skep-build-error: "

# componentize-py keeps 10,000 bytes of what a build prints.
MAX_BUILD_TRACE = 4000


def shown_path(path: str) -> str:
    """Returns a file's path as the bundle names it."""
    return path.removeprefix(f"{ROOT}/")


def app_frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Returns the frames of `error` that lie in the bundle, outermost first."""
    return [
        traceback.FrameSummary(shown_path(f.filename), f.lineno, f.name, line=f.line)
        for f in traceback.extract_tb(error.__traceback__)
        if f.filename.startswith(f"{ROOT}/")
    ]


def trace(error: BaseException) -> str:
    """Formats `error` and what caused it, without frames of the host's own code."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        frames = app_frames(current)
        part = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
        text = "".join(part if frames else []) + _last_lines(current)
        link, current = _cause(current)
        parts.append(f"\n{link}\n\n{text}" if link else text)
    return "".join(reversed(parts))


def _cause(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return (
            "The above exception was the direct cause of the following exception:",
            error.__cause__,
        )
    if error.__context__ is not None and not error.__suppress_context__:
        return (
            "During handling of the above exception, another exception occurred:",
            error.__context__,
        )
    return "", None


def _last_lines(error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        error.filename = shown_path(error.filename)
    return "".join(traceback.format_exception_only(error))


def location(error: BaseException) -> tuple[str, int]:
    """Returns the file and line of the bundle where `error` arose; `main.py`, 0 if unknown."""
    if isinstance(error, SyntaxError) and error.filename:
        return shown_path(error.filename), error.lineno or 0
    frames = app_frames(error)
    return (frames[-1].filename, frames[-1].lineno or 0) if frames else ("main.py", 0)
