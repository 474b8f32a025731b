"""Where a pull puts its files: a new directory beside the destination, which takes its place in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from muniment.errors import CannotWrite, DestinationRefused

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL)


def check_destination(into: Path, *, overwrite: bool) -> Path:
    """The absolute path of the directory to make.

    Raises:
        DestinationRefused: if something is there that must stay.
    """
    destination = Path(os.path.abspath(into))  # noqa: PTH100  # resolve() would follow a link that stands there
    try:
        if destination.is_symlink():
            raise DestinationRefused(f"{into} is a symbolic link: name the directory itself")
        if not destination.exists():
            return destination
        if not destination.is_dir():
            raise DestinationRefused(f"{into} is a file, while a directory is to be made there")
        if Path.cwd().is_relative_to(destination):
            raise DestinationRefused(f"{into} is the working directory or above it: name a directory in it")
        if not overwrite and any(destination.iterdir()):
            raise DestinationRefused(f"{into} is not empty: name another directory, or ask to overwrite it")
    except (OSError, ValueError) as error:
        raise CannotWrite(f"{into} cannot be used: {error}") from error
    return destination


@contextmanager
def replaced(destination: Path, *, overwrite: bool) -> Iterator[Path]:
    """A new directory to fill; it becomes ``destination`` if the block ends well, and is gone if it does not.

    Raises:
        CannotWrite: if the disk refuses.
        DestinationRefused: if something has come to the destination meanwhile.
    """
    temporary = destination.parent / f".muniment-{uuid.uuid4().hex}"
    try:
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            yield temporary
            _persist_directories(temporary)
            _put(temporary, destination, overwrite=overwrite)
            _persist(destination.parent)
        except OSError as error:
            raise CannotWrite(
                f"{error.filename or destination} cannot be written: {error.strerror}"
            ) from error
    finally:
        # After an exchange this holds what was there before.
        shutil.rmtree(temporary, ignore_errors=True)


def _put(temporary: Path, destination: Path, *, overwrite: bool) -> None:
    try:
        # Replaces nothing, or an empty directory.
        temporary.rename(destination)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        if not overwrite:
            raise DestinationRefused(f"{destination} is not empty any more") from error
        _exchange(temporary, destination)


def _exchange(temporary: Path, destination: Path) -> None:
    """Swap two directories at once, or nearly so where the system knows no such call."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        old, new = os.fsencode(temporary), os.fsencode(destination)
        if renameat2(_AT_FDCWD, old, _AT_FDCWD, new, ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
            return
        if (number := ctypes.get_errno()) not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), str(destination))
    aside = temporary.with_name(temporary.name + "-old")
    destination.rename(aside)
    try:
        temporary.rename(destination)
    except OSError:
        aside.rename(destination)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _persist_directories(root: Path) -> None:
    for directory, _, _ in os.walk(root, topdown=False):
        _persist(Path(directory))


def _persist(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
