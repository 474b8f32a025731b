"""Work that many threads hand to one, which takes it in groups.

A queue wakes its taker for each item. Here it sleeps until as many wait as are worth waking for, or until its
patience is at an end.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """Filled by any thread, emptied by one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[T] = deque()
        self._closed = False
        self._wanted = 0
        """The taker sleeps until so many wait; 0 while it is awake."""
        self._bell = threading.Lock()
        self._bell.acquire()

    def put(self, item: T) -> bool:
        """Hand something over; False if the inbox was closed, and the item not taken."""
        with self._lock:
            if self._closed:
                return False
            self._waiting.append(item)
            self._ring_if_worth()
        return True

    def close(self) -> None:
        """Take nothing more. What was handed over before can still be taken."""
        with self._lock:
            self._closed = True
            self._ring_if_worth()

    def wait(self, wanted: int, patience_seconds: float | None = None) -> int:
        """Sleep until so many items wait, or the inbox is closed, or patience (None: no end of it) is at an end.

        Returns:
            How many wait.
        """
        with self._lock:
            if self._worth(wanted):
                return len(self._waiting)
            self._wanted = wanted
        if not self._bell.acquire(timeout=-1 if patience_seconds is None else patience_seconds):
            with self._lock:
                rang, self._wanted = not self._wanted, 0
            if rang:  # when the patience was at an end already
                self._bell.acquire()
        return len(self._waiting)

    def take(self, most: int) -> list[T]:
        """The items that wait longest, so many at most."""
        with self._lock:
            return [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]

    def _worth(self, wanted: int) -> bool:
        return self._closed or len(self._waiting) >= wanted

    def _ring_if_worth(self) -> None:
        if self._wanted and self._worth(self._wanted):
            self._wanted = 0
            self._bell.release()
