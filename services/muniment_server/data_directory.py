"""The data directory of a server: who may use it, and what local clients find there."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
from contextlib import suppress
from pathlib import Path

from muniment import local

LOCK_SECONDS = 1.0
"""How long a start is patient with another server, which may be about to end."""
LOOKING_SECONDS = 30.0
"""How long with clients that look whether a server is there: they hold the lock, shared, for a moment, which on a
busy machine may be a long one."""
_LOCK_POLL_SECONDS = 0.02
_log = logging.getLogger(__name__)


class DirectoryInUse(RuntimeError):
    """Another server uses the data directory."""


class DataDirectory:
    """One data directory, private to its owner."""

    def __init__(self, path: Path) -> None:
        """Make the directory.

        Raises:
            OSError: if it cannot be made.
        """
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One that was there may be open to others, and what lies in it tells everything of all projects.
        path.chmod(0o700)
        self.path = path
        self._lock: int | None = None
        self._said: int | None = None

    def lock(self) -> None:
        """Make sure that no other process uses the directory, until this one ends.

        What a killed server left behind of its address goes at once: its port may be another's by now.

        Raises:
            DirectoryInUse: if another one does.
        """
        descriptor = os.open(self.path / local.LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        begun = time.monotonic()
        while not _try_lock(descriptor):
            patience = LOOKING_SECONDS if _is_shared(descriptor) else LOCK_SECONDS
            if time.monotonic() - begun > patience:
                os.close(descriptor)
                raise DirectoryInUse(
                    f"data directory {self.path} is used by another server: stop that one, or give another --data"
                )
            time.sleep(_LOCK_POLL_SECONDS)
        self._lock = descriptor
        (self.path / local.SERVER_FILE).unlink(missing_ok=True)

    def unlock(self) -> None:
        """Leave the directory to others."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    @property
    def has_admin_token(self) -> bool:
        """Whether an admin token was written here."""
        return (self.path / local.ADMIN_TOKEN_FILE).exists()

    def write_admin_token(self, secret: str) -> None:
        """Write the admin token, readable by its owner alone."""
        _write_atomically(self.path / local.ADMIN_TOKEN_FILE, secret + "\n")

    def announce(self, host: str, port: int) -> None:
        """Tell local clients where this server answers.

        Those that know the data directory find it there. Others look under the user's state directory, which
        a service's user may not have: then they need to be given a token, and the server serves all the same.

        What the directory says is held locked, so that it is known for true as long as this process lives: on
        PostgreSQL nobody holds the directory itself, which several servers may have.
        """
        record = {"address": f"{host}:{port}", "pid": os.getpid(), "data": str(self.path.resolve())}
        self._said = _write_locked(self.path / local.SERVER_FILE, json.dumps(record) + "\n")
        try:
            announcement = local.announcement_file(port)
            announcement.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_atomically(announcement, json.dumps(record) + "\n")
        except (OSError, RuntimeError) as error:
            _log.warning("local clients need a token, as this server cannot be announced to them: %s", error)

    def withdraw(self, port: int) -> None:
        """Take the announcement back."""
        said = local.read_server_file(self.path / local.SERVER_FILE)
        if said is not None and said.pid == os.getpid():
            (self.path / local.SERVER_FILE).unlink(missing_ok=True)
        if self._said is not None:
            os.close(self._said)
            self._said = None
        try:
            announcement = local.announcement_file(port)
            ours = json.loads(announcement.read_text(encoding="utf-8")).get("pid") == os.getpid()
        except (OSError, ValueError, RuntimeError):
            return
        if ours:
            announcement.unlink(missing_ok=True)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_shared(descriptor: int) -> bool:
    """Whether those who hold the lock are clients: a server shares it with nobody."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    # Let go at once, or two starts would wait for each other.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True


class ClientsLock:
    """Tells whether embedded clients are left: each holds the lock shared."""

    def __init__(self, directory: Path) -> None:
        self._descriptor = os.open(
            directory / local.CLIENTS_LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )

    def take(self) -> bool:
        """Take the lock if no client holds it. New clients then wait until this process has ended."""
        return _try_lock(self._descriptor)


def _write_atomically(path: Path, content: str) -> None:
    os.close(_write_locked(path, content))


def _write_locked(path: Path, content: str) -> int:
    """Write a file that appears whole, and locked where locks are known; the descriptor that holds the lock."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with suppress(OSError):
            _try_lock(descriptor)
        with os.fdopen(descriptor, "w", encoding="utf-8", closefd=False) as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
