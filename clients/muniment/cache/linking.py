"""Putting a file of the cache where it is wanted: sharing its bytes if the file system can, by a copy if not.

A reflink shares bytes until either file is written to. A hard link is the same file under another name: who writes
to it writes to the cache, and to every other place where it was put. So the file is read-only, and its seal shows
what is done to it all the same (see :mod:`muniment.cache.seal`).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
from pathlib import Path

FICLONE = 0x40049409
"""From linux/fs.h: ``_IOW(0x94, 9, int)``."""

BUFFER_BYTES = 1024 * 1024

_CANNOT_LINK = frozenset(
    {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}
)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW


class Linker:
    """Knows what the file system of one destination can do, once it has been tried."""

    def __init__(self) -> None:
        self._reflinks = True
        self._links = True

    def share(self, source: Path, descriptor: int, destination: Path) -> bool:
        """Let ``destination``, which must not exist, have the bytes of an open file; False if it cannot.

        Raises:
            FileNotFoundError: if ``source`` is not that file any more.
        """
        if self._reflinks:
            self._reflinks = _reflinked(descriptor, destination)
            if self._reflinks:
                return True
        if self._links:
            try:
                os.link(source, destination, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _CANNOT_LINK:
                    raise
                # This one file may have too many links; the next has not.
                self._links = error.errno == errno.EMLINK
                return False
            if not os.path.samestat(destination.stat(follow_symlinks=False), os.fstat(descriptor)):
                destination.unlink()
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(source))
            return True
        return False


def copy(descriptor: int, digest: str, size: int, destination: Path) -> bool:
    """Copy an open file to ``destination``, durably; False, and nothing there, if it does not have its digest."""
    hasher = hashlib.sha256()
    target = os.open(destination, _NEW, 0o666)
    try:
        buffer = memoryview(bytearray(min(BUFFER_BYTES, max(1, size))))
        done = 0
        while count := os.preadv(descriptor, [buffer], done):
            view = buffer[:count]
            hasher.update(view)
            while view:
                view = view[os.write(target, view) :]
            done += count
        right = done == size and f"sha256:{hasher.hexdigest()}" == digest
        if right:
            os.fsync(target)
    except BaseException:
        destination.unlink()
        raise
    finally:
        os.close(target)
    if not right:
        destination.unlink()
    return right


def hash_open(descriptor: int) -> str:
    """The digest of an open file."""
    hasher = hashlib.sha256()
    buffer = memoryview(bytearray(BUFFER_BYTES))
    done = 0
    while count := os.preadv(descriptor, [buffer], done):
        hasher.update(buffer[:count])
        done += count
    return f"sha256:{hasher.hexdigest()}"


def _reflinked(descriptor: int, destination: Path) -> bool:
    target = os.open(destination, _NEW, 0o666)
    try:
        fcntl.ioctl(target, FICLONE, descriptor)
        os.fsync(target)
    except OSError:
        # Whatever the reason is: a link or a copy is as good, and a disk that is full will say so again.
        destination.unlink()
        return False
    else:
        return True
    finally:
        os.close(target)
