"""The installed `muniment` command, run as people run it: a process, its output, its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from harness.processes import DEADLINE, ProcessRunner
from harness.server import ServerFactory, ServerProcess

Outcome = subprocess.CompletedProcess[str]

PROGRAM = Path(sys.executable).with_name("muniment")


@pytest.fixture(scope="session")
def program_path() -> Path:
    """The command that the package installs."""
    return PROGRAM


@pytest.fixture
def muniment(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs the command to its end, with nothing but what a test gives it."""

    def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        return subprocess.run(
            [PROGRAM, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )

    return run


@pytest.fixture(scope="module")
def shared_server(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for a whole file of tests; each test uses models of its own."""
    directory = tmp_path_factory.mktemp("shared-server")
    runner = ProcessRunner(directory / "processes")
    try:
        yield ServerFactory(runner, directory)()
    finally:
        runner.reap()


@pytest.fixture
def cli(shared_server: ServerProcess, muniment: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Runs the command against the shared server, as its admin."""

    def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        known = {"MUNIMENT_TARGET": shared_server.address, "MUNIMENT_TOKEN": shared_server.token}
        return muniment(*arguments, env={**known, **(env or {})})

    return run


@pytest.fixture
def done(cli: Callable[..., Outcome]) -> Callable[..., str]:
    """Runs the command, which has to succeed, and returns what it prints."""

    def run(*arguments: str | Path) -> str:
        outcome = cli(*arguments)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    return run


@pytest.fixture
def objects(done: Callable[..., str]) -> Callable[..., list[dict[str, Any]]]:
    """Runs the command with --json and returns the objects, one per line."""

    def run(*arguments: str | Path) -> list[dict[str, Any]]:
        return [json.loads(line) for line in done(*arguments, "--json").splitlines()]

    return run


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A directory that can be pushed."""
    directory = tmp_path / "weights"
    (directory / "deep").mkdir(parents=True)
    (directory / "model.bin").write_bytes(bytes(range(256)) * 64)
    (directory / "deep" / "config.json").write_text("{}")
    return directory
