"""A real `muniment-server serve` for tests, on loopback and a free port."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness.processes import ProcessRunner, RunningProcess


class ServerProcess:
    """A server over one data directory, that can be stopped, killed and started again.

    Every start listens on the same port, so that clients find it again.
    """

    def __init__(
        self,
        processes: ProcessRunner,
        data: Path,
        *,
        arguments: tuple[str, ...] = (),
        listen: str = "",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.address = listen or f"127.0.0.1:{processes.hold_port()}"
        self._processes = processes
        self._arguments = arguments
        self._env = env
        self.process: RunningProcess = self._start()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def token(self) -> str:
        """The admin token that the first start wrote."""
        return (self.data / "admin-token").read_text().strip()

    @property
    def stderr(self) -> str:
        return self.process.stderr

    def stop(self) -> None:
        """Stops the server gracefully.

        Raises:
            AssertionError: it did not end with status 0.
        """
        status = self.process.terminate()
        assert status == 0, f"the server ended with {status}\n{self.stderr[-8000:]}"

    def kill9(self) -> None:
        """Kills the server at once, as a power cut would."""
        self.process.kill9()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keeps the server from doing anything, as a machine does that hangs."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Starts the server again on the same data and port; stops it first if it runs."""
        if self.process.running:
            self.stop()
        self.process = self._start()

    def _start(self) -> RunningProcess:
        process = self._processes.start(
            *(sys.executable, "-m", "muniment_server", "serve"),
            *("--data", str(self.data), "--listen", self.address),
            *self._arguments,
            name="muniment-server",
            env=self._env,
        )
        assert process.wait_for_line(r"^serving on (\S+)$").group(1) == self.address
        return process


def migrate_database(processes: ProcessRunner, url: str) -> None:
    """Runs `muniment-server migrate` on a PostgreSQL database."""
    process = processes.start(
        *(sys.executable, "-m", "muniment_server", "migrate", "--database", url), name="migrate"
    )
    status = process.wait()
    assert status == 0, f"migrate ended with {status}\n{process.stderr[-8000:]}"


class ServerFactory:
    """Starts servers for one test. Calling it with nothing gives an embedded one on fresh data."""

    def __init__(self, processes: ProcessRunner, directory: Path) -> None:
        self._processes = processes
        self._directory = directory
        self._count = 0

    def __call__(
        self,
        *arguments: str,
        data: Path | None = None,
        database: str | None = None,
        listen: str = "",
        env: Mapping[str, str] | None = None,
        migrate: bool = True,
    ) -> ServerProcess:
        """Starts a server and waits until it serves.

        Args:
            arguments: further arguments of `muniment-server serve`.
            data: data directory; by default a fresh one.
            database: URL of a PostgreSQL database; by default the SQLite file in the data directory.
            listen: where to listen; by default a free port on loopback.
            env: variables to add.
            migrate: whether to bring a PostgreSQL database to the schema first.
        """
        self._count += 1
        if database is not None:
            if migrate:
                migrate_database(self._processes, database)
            arguments = ("--database", database, *arguments)
        return ServerProcess(
            self._processes,
            data or self._directory / f"data-{self._count}",
            arguments=arguments,
            listen=listen,
            env=env,
        )
