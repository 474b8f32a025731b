"""Swapping two directories in one step, so that whoever reads one of them always finds a whole one."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL)


def swap_directories(new: Path, standing: Path) -> None:
    """Put ``new`` in the place of ``standing``, and that where ``new`` was.

    Where the system knows no such call this takes two steps, and what was standing is gone afterwards.

    Raises:
        OSError: if the system refuses; then both are where they were.
    """
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        names = os.fsencode(new), os.fsencode(standing)
        if renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], ctypes.c_uint(_RENAME_EXCHANGE)) == 0:
            return
        if (number := ctypes.get_errno()) not in _UNSUPPORTED:
            raise OSError(number, os.strerror(number), str(standing))
    aside = new.with_name(new.name + "-old")
    standing.rename(aside)
    try:
        new.rename(standing)
    except OSError:
        aside.rename(standing)
        raise
    shutil.rmtree(aside, ignore_errors=True)
