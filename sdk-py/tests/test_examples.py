"""The examples' own tests, with the real psycopg2, as an author runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_examples_pass_their_tests_outside_a_cell(dsn: str) -> None:
    examples = ROOT.parent / "examples"
    run = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
        + [str(examples / name) for name in ("hello", "inventory", "report", "sync")],
        env={**os.environ, "DATABASE_URL": dsn, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout
    assert "passed" in run.stdout
