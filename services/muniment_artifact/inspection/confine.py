"""Takes from the worker what it does not need: files, sockets, memory, processor time, rights.

Nothing here needs a right of its own, so it is the same in containers and for every user. What makes it tight is
that the process may open no further descriptor: no file, no socket, no directory, whatever it is brought to run.
On Linux it is also put into a network namespace without interfaces where the kernel allows that, and leaves
root's account. There is no filter of system calls.
"""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import sys
from contextlib import suppress
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_NOBODY = 65_534


class NotConfined(RuntimeError):
    """The process can still do what it must not be able to do."""


def confine(memory_bytes: int) -> str:
    """Give up everything but memory, processor time and the descriptors that are open, and try out that it is so.

    Returns:
        What was done beyond the limits, for the log.

    Raises:
        NotConfined: if a file or a socket can be opened all the same.
    """
    told = []
    if sys.platform == "linux":
        library = ctypes.CDLL(None, use_errno=True)
        with suppress(OSError):
            # If memory runs out for all together, this process goes before the server does.
            Path("/proc/self/oom_score_adj").write_text("1000")
        flags = _CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET
        told.append("network namespace" if library.unshare(flags) == 0 else "no network namespace")
        library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if os.geteuid() == 0:
        # Root may raise its limits again. A container may lack the right to change accounts; then it is not root
        # in any way that counts.
        with suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            told.append("another account")
    for name, most in (("AS", memory_bytes), ("FSIZE", 0), ("CORE", 0), ("NPROC", 0), ("NOFILE", 0)):
        _limit(getattr(resource, f"RLIMIT_{name}"), most)
    _check()
    return ", ".join(told)


def allow_cpu(seconds: int) -> None:
    """Allow so much processor time from now on; the kernel ends the process after it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, hard))


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(kind, (most, most))


def _check() -> None:
    for what, attempt in (("file", lambda: open(os.devnull, "rb")), ("socket", socket.socket)):  # noqa: PTH123, SIM115
        try:
            attempt()
        except OSError:
            continue
        raise NotConfined(f"a {what} can be opened")
