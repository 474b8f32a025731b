"""Starting a server process that outlives the client that started it."""

from __future__ import annotations

import importlib.util
import os
import re
import selectors
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO

from muniment import local
from muniment.errors import CannotWrite, ServerNotInstalled, ServerNotStarted

NEEDED = ("muniment_server", "sqlalchemy", "alembic", "uvloop", "grpc_health")
_READY = re.compile(r"^serving on (\S+)$", re.MULTILINE)
_LOG_TAIL_BYTES = 2_000


def start_server(directory: Path, deadline: float) -> str:
    """Start the server of a directory and wait until it serves.

    Args:
        directory: its data directory.
        deadline: on the monotonic clock.

    Returns:
        Its ``host:port``.

    Raises:
        ServerNotInstalled: if its packages are missing.
        ServerNotStarted: if it ended, or did not serve in time.
    """
    if missing := [package for package in NEEDED if importlib.util.find_spec(package) is None]:
        raise ServerNotInstalled(f"an embedded registry needs the packages {', '.join(missing)}")
    command = [sys.executable, "-m", "muniment_server", "serve"]
    command += ["--data", str(directory), "--listen", "127.0.0.1:0", "--until-idle"]
    log = directory / local.LOG_FILE
    try:
        with log.open("ab") as stderr:
            # A session of its own: Ctrl-C in the terminal of this client must not end the server of others.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
    except OSError as error:
        raise CannotWrite(f"{log} cannot be written, or the server not run: {error.strerror}") from error
    # Reaped whenever it ends; the thread is the one that still knows the process.
    threading.Thread(target=process.wait, name="muniment-server-reaper", daemon=True).start()
    assert process.stdout is not None
    with process.stdout as stdout:
        address = _wait_for_address(stdout, deadline)
    if address is None:
        process.kill()
        raise ServerNotStarted(f"the embedded server of {directory} did not start: {_last_words(log)}")
    return address


def _environment() -> dict[str, str]:
    """This environment without settings of servers: an operator's are for another registry than a directory's."""
    return {key: value for key, value in os.environ.items() if not key.startswith("MUNIMENT_")}


def _wait_for_address(stdout: IO[bytes], deadline: float) -> str | None:
    """The address the server prints, or None when it ends or the deadline passes first."""
    printed = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stdout, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(left):
                break
            piece = stdout.read1(4096)  # type: ignore[attr-defined]  # a pipe is a BufferedReader
            if not piece:
                break
            printed += piece
            if match := _READY.search(printed.decode(errors="replace")):
                return match[1]
    return None


def _last_words(log: Path) -> str:
    try:
        text = log.read_bytes()[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()
    except OSError:
        text = ""
    last = text.splitlines()[-1] if text else "it wrote nothing"
    return f"{last} (log: {log})"
