"""How slow a transfer may be: a byte now and then keeps a stream from standing still, and is no transfer.

A transfer that is slow and honest is taken up again where it was, and gets on by that; one that does not, in
several attempts, is given up.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from muniment.errors import DeadlineExceeded

GRACE_SECONDS = 60.0
"""For what takes long once: a store that is slow to begin, a disk that is busy."""

LEAST_BYTES_PER_SECOND = 64 * 1024

ATTEMPTS = 3
"""Failures in a row to get one part of a file in its time."""


def allowance(size: int) -> float:
    """How many seconds so many bytes may take."""
    return GRACE_SECONDS + size / LEAST_BYTES_PER_SECOND


class Pace:
    """Looks whether bytes come in their time."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._size = 0
        self._begun = 0.0

    def expect(self, size: int) -> None:
        """So many bytes are to come from now on."""
        self._size, self._begun = size, self._clock()

    @property
    def is_late(self) -> bool:
        """Whether their time is over."""
        return self._clock() - self._begun > allowance(self._size)

    def check(self, path: str) -> None:
        """Do not wait for more.

        Raises:
            DeadlineExceeded: if they are late.
        """
        if self.is_late:
            raise DeadlineExceeded(
                f"{self._size} bytes of {path} took longer than {allowance(self._size):.0f} s"
            )
