"""Temporary files of blobs that are being written, and removing those whose writer died.

A live writer holds an exclusive ``flock`` on its file. So a starting server can tell the leftovers of a dead
process from the files of a live one that shares the directory, without process ids, which are reused and mean
nothing across hosts.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from pathlib import Path

_SUFFIX = ".part"
_ATTEMPTS = 8


def create_incoming(directory: Path) -> tuple[Path, int]:
    """Create a temporary file and lock it; returns its path and its descriptor.

    Raises:
        OSError: if it cannot be created.
    """
    for _ in range(_ATTEMPTS):
        path = directory / (secrets.token_hex(16) + _SUFFIX)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A cleaner may have taken the file for a leftover between its creation and our lock.
            if os.fstat(descriptor).st_nlink == 1:
                return path, descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        os.close(descriptor)
    raise OSError(f"another process removes files from {directory} as soon as they are created")


def remove_leftovers(directory: Path) -> int:
    """Remove the files of dead writers and return how many there were; those of other users stay."""
    removed = 0
    for path in directory.iterdir():
        if path.suffix != _SUFFIX:
            continue
        with suppress(FileNotFoundError, PermissionError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                removed += 1
            except BlockingIOError:
                pass
            finally:
                os.close(descriptor)
    return removed
