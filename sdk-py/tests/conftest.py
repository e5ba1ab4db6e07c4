"""A PostgreSQL for the suite: the one that is named, or a private one that is started.

Without either the tests fail: a suite that skips its database tests proves nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import postgres_host
import psycopg
import pytest
from cell_process import CellProcess

TESTS = Path(__file__).parent


def _server_folder() -> Path | None:
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server, as a connection string."""
    named = os.environ.get("SKEP_TEST_DATABASE_URL")
    if named:
        yield named
        return
    folder = _server_folder()
    if folder is None:
        pytest.fail("set SKEP_TEST_DATABASE_URL, or install a PostgreSQL server")
    home = tmp_path_factory.mktemp("postgres")
    # initdb refuses to run as root.
    account = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if account:
        for part in (home, *home.parents[:2]):
            part.chmod(0o755)
        shutil.chown(home, "postgres")
    data = home / "data"
    options = f"-c listen_addresses= -c fsync=off -k {home}"
    subprocess.run(
        [*account, folder / "initdb", "-A", "trust", "-U", "skep", "-D", data],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    control = [*account, folder / "pg_ctl", "-D", data, "-l", home / "log"]
    subprocess.run([*control, "-w", "-o", options, "start"], check=True, stdout=subprocess.DEVNULL)
    yield f"host={home} user=skep dbname=postgres"
    subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def dsn(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database that only this test uses."""
    name = f"skep_test_{os.getpid()}_{abs(hash(request.node.nodeid))}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
        yield psycopg.conninfo.make_conninfo(server, dbname=name)
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def db(dsn: str) -> Iterator[Any]:
    """The test bindings of `skep:app/db`, with this package's host over them."""
    from wit_world.imports import db as bindings

    from psycopg2 import _adapt, _typecast, end_call
    from skep import _host, _phase

    registries: list[dict[Any, Any]] = [
        _adapt.LITERALS,
        _adapt._factories,
        _typecast.registered,
    ]

    bindings.database = postgres_host.Database(dsn)
    bindings.statements.clear()
    _host.use(_host.cell_host())
    _phase.enter(_phase.Phase.CALL)
    # An app registers its types for good; a test must not.
    kept = [dict(registry) for registry in registries]
    yield bindings
    for registry, before in zip(registries, kept, strict=True):
        registry.clear()
        registry.update(before)
    end_call()
    _host.use(_host.NoHost())
    _phase.enter(_phase.Phase.OUTSIDE)


@pytest.fixture
def bindings() -> Iterator[Any]:
    """The test bindings, with this package's host over them, as in a call of an app."""
    from wit_world import imports
    from wit_world.imports import credentials, jobs, log, settings

    from skep import _ending, _host, _identity, _phase

    credentials.secrets.clear()
    credentials.asked.clear()
    credentials.refusal = None
    settings.values.clear()
    log.lines.clear()
    jobs.reports.clear()
    jobs.job = jobs.refusal = None
    _host.use(_host.cell_host())
    _phase.enter(_phase.Phase.CALL)
    _identity.app_name = "shop"
    yield imports
    _ending.run()
    credentials.refusal = jobs.job = jobs.refusal = None
    _identity.app_name = None
    _host.use(_host.NoHost())
    _phase.enter(_phase.Phase.OUTSIDE)


@pytest.fixture
def cell(dsn: str) -> Iterator[Any]:
    """Starts the component's entry module on a bundle, in a process of its own."""
    started: list[CellProcess] = []

    def start(bundle: Path | str) -> CellProcess:
        folder = TESTS / "apps" / bundle if isinstance(bundle, str) else bundle
        process = CellProcess(sys.executable, folder, dsn)
        started.append(process)
        return process

    yield start
    for process in started:
        process.close()
