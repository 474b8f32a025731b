"""How the files of a pull appear: in a new directory beside the destination, which takes its place in one step.

::

    .muniment-0f3a…/         locked while a pull works in it; named after the destination and what is pulled
      tree/                  what becomes the destination
      store/                 files that were received and are not in the cache; none if they all go there
      spent/                 the store, when the tree is whole and about to become the destination

One that nobody has locked was left behind by a pull that was killed or cut short. The next pull of the same
version to the same place goes on with its store. Otherwise it goes when another pull comes to the directory, a
store after a day.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from muniment.errors import CannotWrite, DeadlineExceeded, DestinationRefused, Unavailable
from muniment.transfer.destination import IS_MOUNTED
from muniment.transfer.directory_swap import swap_directories

_PREFIX = ".muniment-"
_TEMPORARY = re.compile(re.escape(_PREFIX) + r"[0-9a-f]{32}")
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_STORE_SECONDS = 86_400
_ATTEMPTS = 20
"""How often a directory to work in is tried: pulls beside this one may take some, a file system refuse all."""
_SPENT = "spent"
_CUT_SHORT = (Unavailable, DeadlineExceeded, KeyboardInterrupt, SystemExit)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a pull works.

    Attributes:
        tree: a new directory to fill.
        store: where files may be kept meanwhile, with what an earlier pull that was killed had received.
    """

    tree: Path
    store: Path


@contextmanager
def replaced(
    destination: Path, *, overwrite: bool, what: str = "", check: Callable[[], None] = lambda: None
) -> Iterator[Workshop]:
    """A directory to fill; it becomes ``destination`` if the block ends well, and is gone if it does not.

    What was received stays for the next try if the pull was cut short: interrupted, or the registry went away.

    Args:
        destination: an absolute path.
        overwrite: whether a directory that holds something may go.
        what: what is pulled; a pull of the same that was killed is gone on with.
        check: called right before it does; raises what speaks against it by then.

    Raises:
        CannotWrite: if the disk refuses.
        DestinationRefused: if something has come to the destination meanwhile.
    """
    temporary: Path | None = None
    lock: int | None = None
    goes_on = False
    try:
        try:
            destination.parent.mkdir(parents=True, exist_ok=True)
            name = _PREFIX + hashlib.sha256(os.fsencode(f"{destination}\n{what}")).hexdigest()[:32]
            _sweep(destination.parent, name)
            temporary, lock = _new(destination.parent, name)
            workshop = Workshop(temporary / "tree", temporary / "store")
            workshop.tree.mkdir()
            yield workshop
            _persist_directories(workshop.tree)
            # Whoever is killed after the next step needs nobody to go on with it.
            with suppress(FileNotFoundError):
                workshop.store.rename(temporary / _SPENT)
            _put(workshop.tree, destination, overwrite=overwrite, check=check)
            _persist(destination.parent)
        except OSError as error:
            raise CannotWrite(
                f"{_place(error, temporary, destination)} cannot be written: {error.strerror}"
            ) from error
    except _CUT_SHORT:
        goes_on = temporary is not None and _holds_something(temporary / "store")
        raise
    finally:
        if temporary is not None:
            # After a swap this holds what was there before.
            shutil.rmtree(temporary / "tree" if goes_on else temporary, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _new(parent: Path, name: str) -> tuple[Path, int]:
    """A directory to work in, and the descriptor that holds its lock."""
    unique = False
    for remaining in reversed(range(_ATTEMPTS)):
        path = parent / name
        try:
            path.mkdir(mode=0o700, exist_ok=not unique)
            descriptor = os.open(path, _OPEN_DIRECTORY)
        except FileNotFoundError:
            # Removed by a sweep before it was opened; or nothing can be made there ever, as below an automounter.
            if not remaining:
                raise
            continue
        except OSError as error:
            if unique or error.errno not in (errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.EACCES):
                raise
            name, unique = _unique(), True
            continue
        locked = _lock(descriptor)
        # Without locks a directory is ours alone only if nobody else can think of its name.
        # One that was made under such a name is ours, whoever the file system says that everything belongs to.
        ours = unique or _is_private(descriptor)
        if ours and (locked or (locked is None and unique)) and _is_there(path, descriptor):
            old = [path / "tree", path / _SPENT]
            for directory in old:
                shutil.rmtree(directory, ignore_errors=True)
            if not any(directory.exists() for directory in old):
                return path, descriptor
        # Somebody else pulls the same to the same place, or took it for one that was left behind, in the moment
        # before the lock.
        if locked and not ours:
            with suppress(OSError):
                path.rmdir()
        os.close(descriptor)
        name, unique = _unique(), True
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY), str(parent))


def _is_there(path: Path, descriptor: int) -> bool:
    """Whether a directory that was opened still stands in its place."""
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _is_private(descriptor: int) -> bool:
    """Whether a directory is nobody else's: a name that can be guessed may have been made before."""
    status = os.fstat(descriptor)
    others = stat.S_IRWXG | stat.S_IRWXO
    return status.st_uid == os.geteuid() and not status.st_mode & others


def _unique() -> str:
    return _PREFIX + uuid.uuid4().hex


def _sweep(parent: Path, own: str) -> None:
    """Remove what pulls left behind that were killed."""
    try:
        found = [path for path in parent.iterdir() if _TEMPORARY.fullmatch(path.name) and path.name != own]
    except OSError:
        return  # a directory that one may write to and not list
    for path in found:
        try:
            descriptor = os.open(path, _OPEN_DIRECTORY)
        except OSError:
            continue
        try:
            if _lock(descriptor) and not _is_waited_for(path):
                shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(descriptor)


def _holds_something(store: Path) -> bool:
    return any(path.is_file() and path.stat().st_size for path in store.rglob("*"))


def _is_waited_for(path: Path) -> bool:
    """Whether there is a store that somebody may go on with."""
    try:
        return (path / "store").stat().st_mtime > time.time() - _STORE_SECONDS
    except OSError:
        return False


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
        swap_directories(temporary, destination)


def _place(error: OSError, temporary: Path | None, destination: Path) -> Path:
    """What could not be written, by the name it was to have."""
    tree = temporary / "tree" if temporary else None
    if isinstance(error.filename, str) and tree and Path(error.filename).is_relative_to(tree):
        return destination / Path(error.filename).relative_to(tree)
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
