"""The `muniment` command: called in this process, where starting one takes longer than the test, or really run.

`muniment`, `cli`, `done`, `objects`   the entry point of the command, called with arguments as a process would be
`installed`                            the program the package installs, as a process: for what only a process
                                       shows, and for one smoke test per verb
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from harness.processes import DEADLINE
from harness.server import ServerProcess
from muniment.cli import main

Outcome = subprocess.CompletedProcess[str]

PROGRAM = Path(sys.executable).with_name("muniment")


@pytest.fixture(scope="session")
def program_path() -> Path:
    """The command that the package installs."""
    return PROGRAM


@pytest.fixture
def muniment(tmp_path: Path) -> Callable[..., Outcome]:
    """Calls the command's entry point to its end, with nothing but what a test gives it.

    Arguments, variables, working directory, streams and exit status are those of a process of its own.
    """

    def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        words = [str(PROGRAM), *map(str, arguments)]
        out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with pytest.MonkeyPatch.context() as process, Path(os.devnull).open() as nothing:
            process.chdir(tmp_path)
            for name, value in (env or {}).items():
                process.setenv(name, value)
            process.setattr(sys, "argv", words)
            process.setattr(sys, "stdin", nothing)
            process.setattr(sys, "stdout", out)
            process.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        status = ended.value.code
        assert status is None or isinstance(status, int), status
        return Outcome(words, status or 0, *(_written(stream) for stream in (out, err)))

    return run


def _written(stream: TextIOWrapper) -> str:
    buffer = stream.detach()
    assert isinstance(buffer, BytesIO)
    return buffer.getvalue().decode()


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., Outcome]:
    """Runs the installed command as a process, to its end."""

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


@pytest.fixture
def known(shared_server: ServerProcess) -> dict[str, str]:
    """The variables that make the shared server's admin of whoever runs the command."""
    return {"MUNIMENT_TARGET": shared_server.address, "MUNIMENT_TOKEN": shared_server.token}


@pytest.fixture
def cli(known: dict[str, str], muniment: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Calls the command against the shared server, as its admin."""

    def run(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        return muniment(*arguments, env={**known, **(env or {})})

    return run


@pytest.fixture
def done(cli: Callable[..., Outcome]) -> Callable[..., str]:
    """Calls the command, which has to succeed, and returns what it prints."""

    def run(*arguments: str | Path) -> str:
        outcome = cli(*arguments)
        assert outcome.returncode == 0, outcome.stderr
        return outcome.stdout

    return run


@pytest.fixture
def objects(done: Callable[..., str]) -> Callable[..., list[dict[str, Any]]]:
    """Calls the command with --json and returns the objects, one per line."""

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
