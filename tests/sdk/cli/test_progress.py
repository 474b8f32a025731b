"""What `muniment push` and `muniment pull` show while they run, on a terminal and elsewhere."""

from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.processes import DEADLINE

# A bar from the beginning on: nothing that a test transfers takes half a second.
COMMAND = """
import muniment.transfer.progress
from muniment.cli import main
muniment.transfer.progress.SHORT_SECONDS = 0
main()
"""

Run = Callable[..., tuple[str, str]]


def written(terminal: int) -> Iterator[bytes]:
    """What programs write to a terminal, until they have ended; closes it."""
    try:
        while data := os.read(terminal, 4096):
            yield data
    except OSError as error:
        # How Linux tells that nobody has the terminal open any more.
        if error.errno != errno.EIO:
            raise
    finally:
        os.close(terminal)


@pytest.fixture
def on_terminal(known: dict[str, str], tmp_path: Path) -> Run:
    """Runs the command with a terminal as its standard error; returns what it writes to both."""

    def run(*arguments: str | Path) -> tuple[str, str]:
        master, slave = os.openpty()
        # One without a size has no room for a bar.
        termios.tcsetwinsize(slave, (24, 80))
        try:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *map(str, arguments)],
                cwd=tmp_path,
                env={**os.environ, **known},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=slave,
                text=True,
            )
        finally:
            os.close(slave)
        shown = b"".join(written(master))
        printed, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, shown
        return printed, shown.decode()

    return run


@pytest.fixture
def piped(known: dict[str, str], tmp_path: Path) -> Run:
    """Runs the command with a pipe as its standard error; returns what it writes to both."""

    def run(*arguments: str | Path) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, **known},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return run


def test_a_terminal_is_shown_a_bar_and_standard_output_the_result_alone(
    on_terminal: Run, weights: Path
) -> None:
    printed, shown = on_terminal("push", "barred", weights)
    assert re.fullmatch(r"Stored barred@1: 2 files, 16\.0 KiB, sha256:\w+\n", printed)
    assert "hash:" in shown
    assert "push:" in shown
    printed, shown = on_terminal("pull", "barred", "into")
    assert printed.startswith("Fetched barred@1 into ")
    assert "pull:" in shown
    assert on_terminal("push", "barred", weights, "--quiet") == ("barred@2\n", "")
    assert on_terminal("pull", "barred", "other", "--json")[1] == ""


def test_a_pipe_is_shown_the_result_and_no_bar(piped: Run, weights: Path) -> None:
    printed, shown = piped("push", "unbarred", weights)
    assert (printed.startswith("Stored unbarred@1: "), shown) == (True, "")
    printed, shown = piped("pull", "unbarred", "into")
    assert (printed.startswith("Fetched unbarred@1 into "), shown) == (True, "")
