"""One lock per digest: of all processes one receives a file. The kernel takes it from a process that dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class DigestLock:
    """A lock that is held."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def attempt(cls, path: Path) -> DigestLock | None:
        """The lock, or None while somebody else holds it.

        Raises:
            OSError: if the file system knows no locks, or no more files can be opened.
        """
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if stands_at(path, descriptor):
                    return cls(path, descriptor)
                # Its holder removed it in the moment between: it locks nothing any more.
                os.close(descriptor)
            except BlockingIOError:
                os.close(descriptor)
                return None
            except BaseException:
                os.close(descriptor)
                raise

    def release(self) -> None:
        """Give the lock back. Releasing twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with suppress(OSError):
            self._path.unlink()
        # A process forked meanwhile holds the descriptor too: closing alone would leave the lock with it.
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)


def stands_at(path: Path, descriptor: int) -> bool:
    """Whether a path leads to an open file."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
