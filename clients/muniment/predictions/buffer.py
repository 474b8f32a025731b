"""What was recorded and is not packed yet: bounded, and counted to the end."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from muniment.errors import BufferFull, MunimentError, RegistryClosed
from muniment.predictions.payload import Taken

Policy = Literal["wait", "drop", "raise"]

MESSAGE_RECORDS = 1_024
LINGER_SECONDS = 0.1
"""How long the first prediction of a message waits for others."""
_log = logging.getLogger("muniment.predictions")


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of predictions so far."""

    recorded: int
    acknowledged: int
    dropped: int


Raw = tuple[str, int, Taken, Taken]
"""Id, time in nanoseconds since 1970, input, output."""


class Buffer:
    """Holds at most ``capacity`` predictions that are not acknowledged, wherever they are on their way."""

    def __init__(self, capacity: int, policy: Policy) -> None:
        self._capacity = capacity
        self._policy = policy
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._progress = threading.Condition(self._lock)
        self._raw: deque[Raw] = deque()
        self._recorded = self._acknowledged = self._dropped = self._unusable = 0
        self._hurried = False
        self._closed = False
        self._failure: MunimentError | None = None
        self._complaint: MunimentError | None = None

    @property
    def counts(self) -> Counts:
        with self._lock:
            return Counts(self._recorded, self._acknowledged, self._dropped + self._unusable)

    @property
    def outstanding(self) -> int:
        """Predictions that are not acknowledged yet."""
        return self._recorded - self._acknowledged - self._unusable

    def put(self, raw: Raw) -> None:
        """Take a prediction; without room, do what the policy says.

        Raises:
            BufferFull: if there is no room and the policy is to raise.
            RegistryClosed: if the recorder was closed.
            MunimentError: what keeps predictions from being kept for good.
        """
        with self._lock:
            if self._closed or self._failure:
                self._raise()
            if self._recorded - self._acknowledged - self._unusable >= self._capacity and (
                not self._find_room()
            ):
                return
            self._raw.append(raw)
            self._recorded += 1
            waiting = len(self._raw)
            if waiting == 1 or waiting == MESSAGE_RECORDS:
                self._work.notify()

    def take(self) -> list[Raw]:
        """Wait for predictions, at most as many as one message holds; none: the buffer was closed and is empty."""
        with self._lock:
            while not self._raw:
                if self._closed:
                    return []
                self._work.wait()
            end = time.monotonic() + LINGER_SECONDS
            while len(self._raw) < MESSAGE_RECORDS and not (self._hurried or self._closed):
                remaining = end - time.monotonic()
                if remaining <= 0:
                    break
                self._work.wait(remaining)
            most = min(len(self._raw), MESSAGE_RECORDS)
            return [self._raw.popleft() for _ in range(most)]

    def acknowledge(self, count: int) -> None:
        """Count predictions that the registry keeps."""
        with self._lock:
            self._acknowledged += count
            self._progress.notify_all()

    def give_up(self, complaint: MunimentError) -> None:
        """Count one that cannot be sent; the log says why, and who flushes is told."""
        _log.warning("%s", complaint.message)
        with self._lock:
            self._unusable += 1
            self._complaint = complaint
            self._progress.notify_all()

    def fail(self, failure: MunimentError) -> None:
        """Say why nothing more can be kept: every call of the recorder raises it from now on."""
        with self._lock:
            self._failure = failure
            self._closed = True
            self._unusable = self._recorded - self._acknowledged
            self._raw.clear()
            self._work.notify_all()
            self._progress.notify_all()

    def flush(self, timeout: float | None) -> bool:
        """Wait until everything recorded before is acknowledged; whether it is.

        Raises:
            MunimentError: as :meth:`put`, or what was wrong with the last one that could not be sent.
        """
        with self._lock:
            goal = self._recorded
            self._hurried = True
            self._work.notify_all()
            try:
                done = self._progress.wait_for(
                    lambda: self._failure or self._acknowledged + self._unusable >= goal, timeout
                )
            finally:
                self._hurried = False
            if self._failure:
                self._raise()
            if self._complaint is not None:
                complaint, self._complaint = self._complaint, None
                raise complaint
            return bool(done)

    def close(self) -> None:
        """Take nothing more."""
        with self._lock:
            self._closed = True
            self._work.notify_all()
            self._progress.notify_all()

    def _find_room(self) -> bool:
        """Whether there is room now; called with the lock held."""
        if self._policy == "drop":
            self._dropped += 1
            return False
        if self._policy == "raise":
            raise BufferFull(
                f"{self._capacity} predictions wait to be kept by the registry, which is all the recorder holds"
            )
        self._progress.wait_for(lambda: self._closed or self.outstanding < self._capacity)
        if self._closed:
            self._raise()
        return True

    def _raise(self) -> None:
        if self._failure is not None:
            # A new one each time: an exception that is raised twice gathers the traces of both.
            failure = self._failure
            raise type(failure)(failure.message, failure.reason, failure.metadata) from failure
        raise RegistryClosed("the recorder of predictions was closed")
