"""File locks with a deadline. The kernel gives them back when a process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from muniment.errors import CannotWrite, ServerNotStarted

POLL_SECONDS = 0.05


class FileLock:
    """An advisory lock on a file, held until released."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path, *, shared: bool, deadline: float) -> FileLock:
        """Wait for the lock until ``deadline`` on the monotonic clock.

        Raises:
            ServerNotStarted: if it was not free in time.
            CannotWrite: if the lock file cannot be made.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotWrite(f"{path} cannot be opened: {error.strerror}") from error
        try:
            while True:
                try:
                    fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise ServerNotStarted(
                            f"another process has been holding {path} for too long: it seems to hang"
                        ) from None
                    time.sleep(POLL_SECONDS)
                else:
                    return cls(descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def release(self, *, everywhere: bool = False) -> None:
        """Give the lock back. Releasing twice is fine.

        Args:
            everywhere: also in children that were forked off meanwhile, which otherwise go on holding it.
        """
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            if everywhere:
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
