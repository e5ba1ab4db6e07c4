"""Real components: what componentize-py makes of a bundle, or says about it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
REPOSITORY = ROOT.parent


def componentize(bundle: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Builds `bundle` as the server does, from copies that the build may change."""
    for name in ("src", "compat"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(bundle, folder / "staging" / "skep_bundle")
    # An empty environment: packages that are installed here must not come along.
    (folder / "environment" / "lib" / "site-packages").mkdir(parents=True)
    command = [Path(sys.executable).with_name("componentize-py"), "-q"]
    command += ["-d", REPOSITORY / "wit", "-w", "skep:app/python", "componentize"]
    command += ["-p", "src", "-p", "compat", "-p", "staging", "-o", "out.wasm", "skep._app"]
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "VIRTUAL_ENV": str(folder / "environment")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "bundle",
    [
        REPOSITORY / "examples" / "hello",
        REPOSITORY / "examples" / "inventory",
        REPOSITORY / "examples" / "sync",
        REPOSITORY / "tests" / "apps" / "nousviz",
        ROOT / "tests" / "apps" / "torture-app",
        ROOT / "tests" / "apps" / "deferred-app",
    ],
    ids=lambda path: path.name,
)
def test_a_bundle_becomes_a_component(bundle: Path, tmp_path: Path) -> None:
    built = componentize(bundle, tmp_path)

    assert built.returncode == 0, built.stderr
    assert (tmp_path / "out.wasm").read_bytes().startswith(b"\0asm\x0d\0\x01\0")


def test_a_broken_bundle_says_where(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "main.py").write_text("import json\n\nprint('x' * 50000)\nnothing.here\n")
    folder = tmp_path / "build"
    folder.mkdir()

    built = componentize(bundle, folder)

    assert built.returncode != 0
    _, marker, rest = built.stderr.partition("skep-build-error: ")
    assert marker
    report = json.loads(rest.splitlines()[0])
    assert (report["file"], report["line"], report["name"]) == ("main.py", 4, "NameError")
    assert report["message"] == "name 'nothing' is not defined"
    assert 'File "main.py", line 4' in report["trace"]
