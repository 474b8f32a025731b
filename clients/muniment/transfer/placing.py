"""How the files of a pull appear: in a new directory beside the destination, which takes its place in one step.

The directory is locked while it is filled. One that is not was left behind by a process that was killed, and goes
when the next pull comes to the same place.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.errors import CannotWrite, DestinationRefused
from muniment.transfer.destination import IS_MOUNTED
from muniment.transfer.exchange import exchange

_PREFIX = ".muniment-"
_TEMPORARY = re.compile(re.escape(_PREFIX) + r"[0-9a-f]{32}")
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def replaced(
    destination: Path, *, overwrite: bool, check: Callable[[], None] = lambda: None
) -> Iterator[Path]:
    """A new directory to fill; it becomes ``destination`` if the block ends well, and is gone if it does not.

    Args:
        destination: an absolute path.
        overwrite: whether a directory that holds something may go.
        check: called right before it does; raises what speaks against it by then.

    Raises:
        CannotWrite: if the disk refuses.
        DestinationRefused: if something has come to the destination meanwhile.
    """
    temporary: Path | None = None
    lock: int | None = None
    try:
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            _sweep(destination.parent)
            temporary, lock = _new(destination.parent)
            yield temporary
            _persist_directories(temporary)
            _put(temporary, destination, overwrite=overwrite, check=check)
            _persist(destination.parent)
        except OSError as error:
            raise CannotWrite(
                f"{_place(error, temporary, destination)} cannot be written: {error.strerror}"
            ) from error
    finally:
        if temporary is not None:
            # After an exchange this holds what was there before.
            shutil.rmtree(temporary, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _new(parent: Path) -> tuple[Path, int]:
    """A new directory, and the descriptor that holds its lock."""
    while True:
        path = parent / f"{_PREFIX}{uuid.uuid4().hex}"
        path.mkdir()
        try:
            descriptor = os.open(path, _OPEN_DIRECTORY)
        except FileNotFoundError:
            continue
        if _lock(descriptor) is not False and path.exists():
            return path, descriptor
        # Another pull took it for one that was left behind, in the moment before the lock.
        os.close(descriptor)


def _sweep(parent: Path) -> None:
    """Remove what pulls left behind that were killed."""
    try:
        found = [path for path in parent.iterdir() if _TEMPORARY.fullmatch(path.name)]
    except OSError:
        return  # a directory that one may write to and not list
    for path in found:
        try:
            descriptor = os.open(path, _OPEN_DIRECTORY)
        except OSError:
            continue
        try:
            if _lock(descriptor):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool | None:
    """Whether the lock could be had; None where the file system knows no locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _put(temporary: Path, destination: Path, *, overwrite: bool, check: Callable[[], None]) -> None:
    try:
        # Replaces nothing, or an empty directory.
        temporary.rename(destination)
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EXDEV):
            raise DestinationRefused(f"{destination} {IS_MOUNTED}") from error
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not overwrite:
            raise DestinationRefused(f"{destination} is not empty any more") from error
        check()
        exchange(temporary, destination)


def _place(error: OSError, temporary: Path | None, destination: Path) -> Path:
    """What could not be written, by the name it was to have."""
    if isinstance(error.filename, str) and temporary and Path(error.filename).is_relative_to(temporary):
        return destination / Path(error.filename).relative_to(temporary)
    return destination


def _persist_directories(root: Path) -> None:
    for directory, _, _ in os.walk(root, topdown=False):
        _persist(Path(directory))


def _persist(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
