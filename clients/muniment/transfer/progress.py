"""What a transfer tells while it runs: a bar on a terminal, calls of a function, or nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

ProgressFunction = Callable[[str, int, int], None]
"""Called with the phase (``hash``, ``push``, ``pull``), the bytes done and the bytes in all."""

ProgressOption = bool | ProgressFunction | None

SHORT_SECONDS = 0.5
"""A transfer that is over by then shows no bar."""


class Progress(Protocol):
    """Takes note of bytes that were moved; from any thread."""

    def __call__(self, count: int) -> None: ...

    def expect(self, count: int) -> None:
        """So many bytes more are to be moved than was said."""


@contextmanager
def phase(
    option: ProgressOption, name: str, total: int, lock: threading.Lock | None = None
) -> Iterator[Progress]:
    """One phase of a transfer of ``total`` bytes, as far as is known.

    Args:
        option: as it was given.
        name: of the phase.
        total: in bytes.
        lock: of all phases that go on at the same time, so that who is told is told one thing after the other.
    """
    lock = lock or threading.Lock()
    if callable(option):
        yield _Counted(option, name, total, lock)
    elif option is False or not _on_terminal():
        yield _Counted(_nothing, name, total, lock)
    else:
        # Imported when it is shown: most programs have no terminal.
        from tqdm import tqdm

        with tqdm(
            total=total,
            desc=name,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            delay=SHORT_SECONDS,
            leave=False,
        ) as bar:

            def show(_phase: str, done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            yield _Counted(show, name, total, lock)


class _Counted:
    def __init__(self, function: ProgressFunction, name: str, total: int, lock: threading.Lock) -> None:
        self._function = function
        self._name = name
        self._total = total
        self._done = 0
        self._lock = lock

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            self._function(self._name, self._done, self._total)

    def expect(self, count: int) -> None:
        with self._lock:
            self._total += count


def _nothing(phase: str, done: int, total: int) -> None:
    del phase, done, total


def _on_terminal() -> bool:
    # A program started without a terminal at all may have no standard error.
    return sys.stderr is not None and sys.stderr.isatty()
