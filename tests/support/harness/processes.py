"""Real processes for tests: started, awaited by what they print, killed by pid, always reaped."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

DEADLINE = 60.0
"""Seconds any wait may last. Generous: it bounds a hang, it measures nothing."""

LAST_LINES = 2.0
"""Seconds to read the rest of a pipe whose process has ended, and which a child of it may hold open. They pass in
portions: while the machine stands still one of them does, and not all."""
PORTIONS = 20


class ProcessFailed(AssertionError):
    """A process ended, or kept silent, while a test waited for something from it."""


class RunningProcess:
    """One process, with what it wrote so far.

    Standard output is read by a thread, so that the process never blocks on a full pipe and a wait has
    a deadline; standard error goes to a file, which survives the process.
    """

    def __init__(self, name: str, popen: subprocess.Popen[str], stderr_path: Path) -> None:
        self.name = name
        self.popen = popen
        self.stderr_path = stderr_path
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, name=f"stdout of {name}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def lines(self) -> list[str]:
        """Lines of standard output so far, without line ends."""
        with self._changed:
            return list(self._lines)

    @property
    def stderr(self) -> str:
        """Standard error so far."""
        return self.stderr_path.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    def wait_for_line(self, pattern: str, *, deadline: float = DEADLINE) -> re.Match[str]:
        """Waits until a line of standard output matches.

        Args:
            pattern: regular expression, searched in every line from the first one on.
            deadline: seconds.

        Raises:
            ProcessFailed: the process ended or the deadline passed first; shows what it wrote.
        """
        expression = re.compile(pattern)
        until = time.monotonic() + deadline
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if match := expression.search(line):
                        return match
                seen = len(self._lines)
                if self._ended:
                    raise ProcessFailed(self._account(f"ended before it printed {pattern!r}"))
                if not self._changed.wait(until - time.monotonic()):
                    raise ProcessFailed(self._account(f"did not print {pattern!r} in {deadline:g} s"))

    def wait_for_stderr(self, pattern: str, *, deadline: float = DEADLINE) -> re.Match[str]:
        """Waits until standard error matches; otherwise as `wait_for_line`."""
        until = time.monotonic() + deadline
        while True:
            ended = not self.running
            if match := re.search(pattern, self.stderr):
                return match
            if ended:
                raise ProcessFailed(self._account(f"ended before it logged {pattern!r}"))
            if time.monotonic() > until:
                raise ProcessFailed(self._account(f"did not log {pattern!r} in {deadline:g} s"))
            time.sleep(0.01)

    def wait(self, *, deadline: float = DEADLINE) -> int:
        """Waits for the end; returns the exit status, negative for a signal."""
        try:
            status = self.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(self._account(f"still runs after {deadline:g} s")) from None
        # Whatever the process wrote is in the pipe by now. A child of it may still hold the pipe open.
        for _ in range(PORTIONS):
            self._reader.join(LAST_LINES / PORTIONS)
            if not self._reader.is_alive():
                break
        return status

    def signal(self, number: int) -> None:
        """Sends a signal to this process; it must be running."""
        self.popen.send_signal(number)

    def terminate(self, *, deadline: float = DEADLINE) -> int:
        """Asks the process to end (SIGTERM) and returns its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(deadline=deadline)

    def kill9(self) -> None:
        """Kills the process at once and reaps it."""
        self.popen.kill()
        self.wait()

    def reap(self) -> None:
        """Kills what is left of the process and of its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        with self.popen.stdout as stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _account(self, what: str) -> str:
        output = "\n".join(self.lines[-50:])
        return (
            f"{self.name} {what} (exit status {self.popen.poll()})\n"
            f"--- stdout\n{output}\n--- stderr\n{self.stderr[-8000:]}"
        )


class ProcessRunner:
    """Starts processes for one test and reaps every one of them at its end."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._ports: list[socket.socket] = []
        self.processes: list[RunningProcess] = []

    def start(
        self,
        *command: str | Path,
        name: str | None = None,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> RunningProcess:
        """Starts a command.

        Args:
            command: program and arguments; no shell.
            name: what failures call it; by default the program.
            cwd: working directory.
            env: variables to add to this process's own.
        """
        label = name or Path(command[0]).name
        self._directory.mkdir(parents=True, exist_ok=True)
        stderr_path = self._directory / f"{len(self.processes):02d}-{label}.stderr"
        with stderr_path.open("w") as stderr:
            popen = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                errors="replace",
                # A group of its own, so that what the process leaves behind can be reaped with it.
                start_new_session=True,
            )
        process = RunningProcess(label, popen, stderr_path)
        self.processes.append(process)
        return process

    def hold_port(self) -> int:
        """A port on loopback that is nobody else's until `reap`.

        Whoever names it may listen on it; to be given it for asking for any, or to call from it, is nobody. So a
        server that was killed finds its port free again, however many others are started meanwhile.
        """
        held = socket.socket()
        self._ports.append(held)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])

    def reap(self) -> None:
        """Kills and reaps everything this runner started."""
        for process in reversed(self.processes):
            process.reap()
        for held in self._ports:
            held.close()

    def stderr_sections(self) -> list[tuple[str, str]]:
        """What failed tests show: the end of each process's standard error, by name."""
        return [
            (f"stderr of {process.name} (pid {process.pid})", process.stderr[-8000:])
            for process in self.processes
            if process.stderr_path.exists() and process.stderr
        ]
