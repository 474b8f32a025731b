"""The programs the demo starts: each with its log, and ended by pid whatever happens."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_SERVICE_SECONDS = 60.0
_STOP_SECONDS = 20.0
_PROGRAM_SECONDS = 120.0


class DemoFailed(Exception):
    """A step of the demo did not work; the text says which and why."""


def program(name: str) -> str:
    """Path of a program installed beside this Python."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise DemoFailed(f"{path} does not exist: install muniment with its server and deployer extras first")
    return str(path)


class Children:
    """Starts programs and ends those that still run."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._services: dict[str, subprocess.Popen[bytes]] = {}
        logs.mkdir(parents=True)

    @property
    def pids(self) -> dict[str, int]:
        """The services that were started, by name."""
        return {name: process.pid for name, process in self._services.items()}

    def start(self, name: str, *arguments: str, ready: str, env: Mapping[str, str] | None = None) -> str:
        """Start a service and wait for the line on its standard output that ends with an address.

        It gets files for its output and a session of its own, so that it can outlive the demo.
        """
        output, log = self._logs / f"{name}.out", self._logs / f"{name}.log"
        with output.open("wb") as stdout, log.open("wb") as stderr, _signals_held():
            process = self._services[name] = subprocess.Popen(
                [program(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=_environment(env),
                start_new_session=True,
            )
        until = time.monotonic() + _SERVICE_SECONDS
        while not (match := re.search(rf"^{ready} (\S+)$", output.read_text(), re.MULTILINE)):
            if process.poll() is not None or time.monotonic() > until:
                raise DemoFailed(f"{name} did not start; the end of {log}:\n{_end_of(log)}")
            time.sleep(0.02)
        return match.group(1)

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> str:
        """Run a program to its end; its standard output."""
        process: subprocess.Popen[str] | None = None
        try:
            with _signals_held():
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=_environment(env),
                )
            output, problem = process.communicate(timeout=_PROGRAM_SECONDS)
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"{Path(command[0]).name} ran longer than {_PROGRAM_SECONDS:.0f} s") from None
        finally:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise DemoFailed(f"{Path(command[0]).name} ended with {process.returncode}:\n{problem[-2000:]}")
        return output

    def check(self) -> None:
        """Raises DemoFailed if a service ended."""
        for name, process in self._services.items():
            if process.poll() is not None:
                log = self._logs / f"{name}.log"
                raise DemoFailed(f"{name} ended with {process.returncode}; the end of {log}:\n{_end_of(log)}")

    def end(self) -> None:
        """Stop what runs, the last started first: politely, then not."""
        for process in reversed(self._services.values()):
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Signals that come in the block are handled after it.

    A handler that raises between fork and the return of Popen would leave a child nobody knows of.
    """
    came: list[int] = []
    handlers = {
        held: signal.signal(held, lambda number, _frame: came.append(number))
        for held in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield
    finally:
        for held, handler in handlers.items():
            signal.signal(held, handler)
        for number in came:
            signal.raise_signal(number)


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    """This environment without settings meant for another registry."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("MUNIMENT_")}
    return {**own, "PYTHONUNBUFFERED": "1", **(more or {})}


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:]) or "(empty)"
