"""How often a transfer is taken up again: while it gets on, always; when it stands still, a few times."""

from __future__ import annotations

import random
import time

from muniment.errors import MunimentError

ATTEMPTS = 10
"""Failures in a row without progress. With the pauses that is some twenty seconds: a restart of a busy server."""

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0


class Patience:
    """Counts failures since the last progress."""

    def __init__(self, attempts: int | None = None) -> None:
        self._attempts = attempts or ATTEMPTS
        self._failures = 0

    def progressed(self) -> None:
        """Something became durable, or arrived: begin to count anew."""
        self._failures = 0

    def spend(self, error: MunimentError, *, pause: bool = True) -> None:
        """Wait before the next attempt, longer after every failure.

        Raises:
            MunimentError: ``error``, when it was one failure too many.
        """
        self._failures += 1
        if self._failures >= self._attempts:
            raise error
        if pause:
            ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
            time.sleep(random.uniform(ceiling / 2, ceiling))
