"""The servers that are compared, all on Skep's own PostgreSQL."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from load import Target

HERE = Path(__file__).parent
INSTANCES = ("fresh", "reused")
READY_SECONDS = 120

# What the peers' tables and the apps' begin with; only the schema differs.
TABLES = (
    "CREATE TABLE {schema}.tally_entries (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
    "name TEXT NOT NULL, amount INTEGER NOT NULL)",
    "INSERT INTO {schema}.tally_entries (name, amount) "
    "SELECT 'entry ' || n, n FROM generate_series(1, 1000) AS n",
)


@dataclass(frozen=True)
class Programs:
    """What has been built for a run."""

    skep: Path
    axum_peer: Path
    # Of the virtual environment with FastAPI.
    python: Path
    # Of `examples/tally`.
    component: Path


class Skep:
    """A server of our own on a private data folder, and the commands that speak to it."""

    def __init__(self, program: Path, scratch: Path) -> None:
        self._program = program
        self._data = scratch / "data"
        self._apps = scratch / "apps"
        self._password = secrets.token_urlsafe(24)
        # The client keeps its login here and not among the developer's own.
        self._environment = {
            **os.environ,
            "XDG_CONFIG_HOME": str(scratch / "config"),
            "SKEP_ADMIN_PASSWORD": self._password,
        }
        self.url = f"http://127.0.0.1:{free_port()}"
        self.token = ""

    @contextmanager
    def serve(self) -> Iterator[None]:
        """Run the server, and log in to it."""
        listen = self.url.removeprefix("http://")
        command: list[str | Path] = [
            self._program,
            "serve",
            "--data",
            self._data,
            "--listen",
            listen,
        ]
        with running(command, self._environment | {"SKEP_LOG": "warn"}, self.url):
            self._run("login", self.url, "--username", "admin", "--password-stdin")
            self.token = self._run("token", "create", "calls", "--scope", "apps:call").strip()
            yield

    def deploy(self, name: str, instances: str, source: Path) -> Target:
        """Deploy the file `source` as an app of its own, and say where it is called."""
        folder = self._apps / name
        folder.mkdir(parents=True)
        shutil.copy(source, folder)
        manifest = {
            "app_name": name,
            "version": "1.0.0",
            "instances": instances,
            # In the schema of the app, for there are several with this table.
            "tables": [statement.format(schema=name) for statement in TABLES],
        }
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        self._run("deploy", str(folder))
        return Target(name, f"{self.url}/api/sync/{name}", self.token)

    def create_database(self, name: str) -> dict[str, str]:
        """Make a database with the same table for peers; return libpq's variables for it."""
        self._psql(f"CREATE DATABASE {name}", {})
        for statement in TABLES:
            self._psql(statement.format(schema="public"), {"PGDATABASE": name})
        printed = self._run("postgres", "--data", str(self._data), "--", "env", "-0")
        pairs = (line.partition("=") for line in printed.split("\0"))
        variables = {key: value for key, _, value in pairs if key.startswith("PG")}
        return variables | {"PGDATABASE": name}

    def _psql(self, statement: str, environment: dict[str, str]) -> None:
        settings = [f"{key}={value}" for key, value in environment.items()]
        psql = ["env", *settings, "psql", "--quiet", "--no-psqlrc", "--command", statement]
        self._run("postgres", "--data", str(self._data), "--", *psql)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._program, *arguments],
            env=self._environment,
            input=self._password,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"error: skep {arguments[0]} failed; the lines above say why")
        return done.stdout


@contextmanager
def axum_peer(program: Path, database: dict[str, str]) -> Iterator[Target]:
    """Run the bare axum server."""
    target = Target("axum", f"http://127.0.0.1:{free_port()}/")
    command: list[str | Path] = [program, target.url.removeprefix("http://").rstrip("/")]
    with running(command, os.environ | database, target.url):
        yield target


@contextmanager
def fastapi_peer(python: Path, database: dict[str, str]) -> Iterator[Target]:
    """Run FastAPI on uvicorn with one worker."""
    port = free_port()
    target = Target("fastapi", f"http://127.0.0.1:{port}/")
    command: list[str | Path] = [python, "-m", "uvicorn", "server:app", "--port", str(port)]
    command += ["--app-dir", HERE / "peers/fastapi", "--no-access-log", "--log-level", "warning"]
    with running(command, os.environ | database, target.url):
        yield target


@contextmanager
def running(command: Sequence[str | Path], environment: dict[str, str], url: str) -> Iterator[None]:
    """Run a program from when it accepts connections."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_until_it_listens(process, url)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_it_listens(process: subprocess.Popen[bytes], url: str) -> None:
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"error: nothing listens at {url}; the lines above say why")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
