"""Repeating requests that failed: with growing pauses, never all clients at once, never past a deadline."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from muniment_artifact.blobs.s3.errors import FAILURES, is_transient

T = TypeVar("T")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 3.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long requests are repeated.

    Attributes:
        deadline: seconds from the first attempt, or the last progress, to the end of the last attempt.
        attempt: seconds that one attempt may take without a byte: none is begun which could not end in time.
        clock: tells seconds.
        pause: waits for seconds.
    """

    deadline: float
    attempt: float
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep

    def run(self, request: Callable[[], T]) -> T:
        """The answer to a request, which is repeated while that may help and time is left.

        Raises:
            minio.error.MinioException, urllib3.exceptions.HTTPError, OSError, ParseError: what failed last.
        """
        attempts = Attempts(self)
        while True:
            try:
                return request()
            except FAILURES as error:
                attempts.spend(error)


class Attempts:
    """The attempts at one request, or at one read that goes on where it broke off."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._begun = patience.clock()
        self._failures = 0

    def progressed(self) -> None:
        """Bytes came: time is counted anew."""
        self._begun = self._patience.clock()
        self._failures = 0

    @property
    def out_of_time(self) -> bool:
        """Whether the deadline has passed since the last progress, for answers that trickle in."""
        return self._patience.clock() - self._begun > self._patience.deadline

    def spend(self, error: Exception) -> None:
        """Wait before the next attempt.

        The pause is random between half of a ceiling, which doubles, and the ceiling: requests that failed
        together are not repeated together.

        Raises:
            Exception: ``error``, if repeating cannot help or no time is left.
        """
        if not is_transient(error):
            raise error
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2**self._failures)
        pause = random.uniform(ceiling / 2, ceiling)
        elapsed = self._patience.clock() - self._begun
        if elapsed + pause + self._patience.attempt > self._patience.deadline:
            raise error
        self._failures += 1
        self._patience.pause(pause)
