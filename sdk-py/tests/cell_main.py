"""The process behind `cell_process`: builds the bundle, then serves requests."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parent
ROOT = TESTS.parent
STAGING, DSN = sys.argv[1:]

# The protocol has a descriptor of its own: what the app prints must not mix with it.
answers = os.fdopen(os.dup(1), "w")
printed = os.memfd_create("printed")
os.dup2(printed, 1)
requests = sys.stdin

sys.path[:0] = [str(ROOT / "src"), str(ROOT / "compat"), str(TESTS / "bindings"), STAGING]

import postgres_host  # noqa: E402
from wit_world.imports import caller, credentials, db, jobs, log, notify, settings  # noqa: E402

db.database = postgres_host.Database(DSN)

# These keep references to functions that a build replaces; componentize-py starts
# without them.
for name in [name for name in sys.modules if name.partition(".")[0] in ("glob", "pathlib")]:
    del sys.modules[name]

from componentize_py_types import Err  # noqa: E402

import skep._app as app  # noqa: E402

assert not db.statements, "a build cannot reach the database"
assert not log.lines, "a build cannot reach the log"

credentials.secrets = {"erp": b"the token", "account": b'{"user": "ann"}', "raw": b"\xff"}
settings.values = {"fast": "false"}
caller.identity = caller.Identity("u1", "ann", ["clerk"], ["sales:access"])
world, lifecycle, task = app.WitWorld(), app.Lifecycle(), app.Task()


def serve(request: dict[str, Any]) -> str | None:
    """Calls the export that a request names, as the host would."""
    jobs.job = jobs.Job(*request["job"]) if "job" in request else None
    if "load" in request:
        return lifecycle.load()
    if "hook" in request:
        return lifecycle.hook(*request["hook"])
    if "task" in request:
        return task.run(*request["task"])
    return world.execute(request["execute"])


def output() -> str:
    """Returns what was printed since the last time, without any flush of ours."""
    os.lseek(printed, 0, os.SEEK_SET)
    text = b""
    while part := os.read(printed, 65536):
        text += part
    os.ftruncate(printed, 0)
    os.lseek(printed, 0, os.SEEK_SET)
    return text.decode()


answers.write("built\n")
answers.flush()
for line in requests:
    request = json.loads(line)
    log.lines.clear()
    db.statements.clear()
    notify.sent.clear()
    answer: dict[str, object] = {}
    try:
        answer["ok"] = serve(request)
    except Err as error:
        answer["failure"] = vars(error.value)
    answer.update(
        settings=settings.values,
        notifications=notify.sent,
        log=log.lines,
        statements=db.statements,
        printed=output(),
        sessions=db.open_sessions,
    )
    answers.write(json.dumps(answer) + "\n")
    answers.flush()
