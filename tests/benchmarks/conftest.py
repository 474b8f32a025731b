"""What benchmarks share: the table of all rows, printed when the run is over, and what ours is held against.

A benchmark takes `table` and says `table.add("row", database, ours=[…], unit="ms", against={"bare": […]},
at_most={"bare": 1.5})`; `harness.bars.interleaved` makes the lists. Benchmarks never assert on time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.bars import BarTable
from harness.peer import Peer, install_peer, start_peer
from harness.postgres import PostgresServer
from harness.processes import ProcessRunner

TABLE = pytest.StashKey[BarTable]()
PROGRAMS = Path(__file__).parent / "programs"
# Read before any test has a home of its own: what is installed for one run serves the next.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config) -> BarTable:
    """The rows of this run."""
    return pytestconfig.stash.setdefault(TABLE, BarTable())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := config.stash.get(TABLE, None):
        terminalreporter.section("bars: medians of interleaved rounds, ratios round by round")
        terminalreporter.write_line(rows.text())


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory: disks vary five-fold from run to run."""
    shared = Path("/dev/shm")
    directory = (shared if shared.is_dir() else tmp_path) / f"muniment-bench-{os.getpid()}"
    directory.mkdir()
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres(postgres: PostgresServer) -> PostgresServer:
    """The PostgreSQL of the tests, made to keep what it commits and to look after itself, as others are."""
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(f"ALTER SYSTEM SET {setting} = on")
        connection.execute("SELECT pg_reload_conf()")
    return postgres


@pytest.fixture(scope="session")
def peer_programs(_session_home: None) -> Path | None:
    """Where the peer's programs are; None when they cannot be had, and rows say that it was not measured."""
    try:
        return install_peer(CACHE)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"the peer cannot be installed and is not measured: {error}")
        return None


@pytest.fixture
def new_peer(
    peer_programs: Path | None, processes: ProcessRunner, tmp_path: Path
) -> Callable[[str | None], Peer | None]:
    """Starts the peer, on SQLite or on a PostgreSQL database."""

    def start(database: str | None) -> Peer | None:
        if peer_programs is None:
            return None
        return start_peer(processes, peer_programs, tmp_path / "peer", database)

    return start


@pytest.fixture(scope="session")
def load() -> Callable[..., Any]:
    """Runs a load program in a process of its own and reads what it measured."""

    def run(program: str, *, python: str | Path = sys.executable, **spec: Any) -> Any:
        done = subprocess.run(
            [str(python), str(PROGRAMS / program)],
            input=json.dumps(spec),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
