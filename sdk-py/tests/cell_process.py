"""Runs `skep._app` on a bundle in another process, over the test bindings.

A build changes the interpreter for good (files, imports, logging), so each has its
own. Requests and answers are lines of JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent


class BuildFailure(Exception):
    """What the build reported."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        lines = [line for line in stderr.splitlines() if line.startswith("skep-build-error: ")]
        self.report: dict[str, Any] = json.loads(lines[-1].partition(": ")[2]) if lines else {}


class CellProcess:
    """A cell: `load` and `execute` as its host would call them."""

    def __init__(self, python: str, bundle: Path, dsn: str) -> None:
        self._staging = Path(tempfile.mkdtemp())
        shutil.copytree(bundle, self._staging / "skep_bundle")
        self._process = subprocess.Popen(
            [python, str(TESTS / "cell_main.py"), str(self._staging), dsn],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "SECRET_OF_THE_BUILD": "1"},
        )
        if not self._line():
            _, stderr = self._process.communicate()
            shutil.rmtree(self._staging)
            raise BuildFailure(stderr)
        # A cell has no sources; whatever it still reads would fail there.
        shutil.rmtree(self._staging)

    def load(self) -> dict[str, Any]:
        return self._ask({"load": True})

    def execute(self, data: Any) -> dict[str, Any]:
        return self._ask({"execute": json.dumps(data)})

    def hook(self, name: str, payload: Any, job: bool = True) -> dict[str, Any]:
        return self._named("hook", name, payload, job)

    def task(self, name: str, data: Any) -> dict[str, Any]:
        return self._named("task", name, data, True)

    def _named(self, kind: str, name: str, data: Any, job: bool) -> dict[str, Any]:
        request: dict[str, Any] = {kind: [name, json.dumps(data)]}
        if job:
            request["job"] = ["00000000-0000-0000-0000-000000000007", 1]
        return self._ask(request)

    def result(self, data: Any) -> Any:
        """Returns what a call that succeeds answers."""
        answer = self.execute(data)
        assert "ok" in answer, answer
        return json.loads(answer["ok"])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._line()
        assert line, self._process.communicate()[1]
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.communicate()
