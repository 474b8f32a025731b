"""Joining the server of a directory, or starting it.

Each client holds ``clients.lock`` shared. A server started here ends when it can take that lock alone, and holds
it to its end: a client that comes just then waits, and starts the next one. ``start.lock`` lets one client at a
time look whether a server runs and start it.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from muniment import local
from muniment.embedded import health
from muniment.embedded.locks import POLL_SECONDS, FileLock
from muniment.embedded.process import start_server
from muniment.errors import CannotWrite, RegistryClosed, ServerNotStarted
from muniment.transport.target import is_served

START_SECONDS = 60.0
"""Longest wait for a server: a start takes about two seconds, and a machine under load ten times that."""


class EmbeddedClient:
    """One client of an embedded server, which lives at least as long as it is not released."""

    def __init__(self, directory: Path, address: str, presence: FileLock) -> None:
        self.directory = directory
        self.address = address
        self._presence: FileLock | None = presence
        self._changing = threading.Lock()

    @classmethod
    def join(cls, directory: Path) -> EmbeddedClient:
        """Join the server of a directory, starting it if none runs.

        Raises:
            CannotWrite: if the directory cannot be used.
            ServerNotInstalled: if the server's packages are missing.
            ServerNotStarted: if no server came up.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = directory.resolve()
        except OSError as error:
            raise CannotWrite(f"{directory} cannot be used as a data directory: {error.strerror}") from error
        deadline = time.monotonic() + START_SECONDS
        presence = FileLock.acquire(directory / local.CLIENTS_LOCK_FILE, shared=True, deadline=deadline)
        try:
            starting = FileLock.acquire(directory / local.START_LOCK_FILE, shared=False, deadline=deadline)
            try:
                address = _running_or_started(directory, deadline)
            finally:
                starting.release(everywhere=True)
        except BaseException:
            presence.release()
            raise
        return cls(directory, address, presence)

    def rejoin(self) -> str:
        """Join whatever server the directory has by now, starting one if the last was killed; its address.

        Raises:
            MunimentError: as ``join`` raises it.
            RegistryClosed: if this client was released meanwhile.
        """
        # The directory may be another one of the same name: to be there means to hold the lock of that.
        now = EmbeddedClient.join(self.directory)
        with self._changing:
            before, self._presence = self._presence, now._presence
            if before is None:
                self._presence = None
                now.release()
                raise RegistryClosed(f"the connection to {self.address} was closed")
            before.release()
            self.address = now.address
        return self.address

    def release(self) -> None:
        """Leave. Releasing twice is fine."""
        with self._changing:
            presence, self._presence = self._presence, None
        if presence is not None:
            presence.release()


def _running_or_started(directory: Path, deadline: float) -> str:
    while is_served(directory):
        server_file = directory / local.SERVER_FILE
        running = local.read_server_file(server_file)
        # The file may be of a server that was killed. Then nothing healthy answers there, or something healthy of
        # somebody else; but the server that holds the lock replaces the file before it serves itself.
        if running is not None and health.is_serving(running.address):
            if local.read_server_file(server_file) == running:
                return running.address
            continue
        if time.monotonic() > deadline:
            raise ServerNotStarted(
                f"a server holds {directory / local.LOCK_FILE} and does not answer: "
                f"look into {directory / local.LOG_FILE}, or end that server"
            )
        time.sleep(POLL_SECONDS)
    return start_server(directory, deadline)
