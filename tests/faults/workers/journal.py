"""What the workers share: a journal of what was asked and answered, and calls repeated until answered."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from muniment import errors

DEADLINE = 240.0
"""Seconds a call may go unanswered while a server is killed again and again, and callers are halted for checks."""

T = TypeVar("T")


class Journal:
    """Appends lines of JSON; whoever reads sees whole lines."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, **facts: object) -> None:
        os.write(self._descriptor, (json.dumps(facts) + "\n").encode())


def until_answered(call: Callable[[], T]) -> T:
    """Repeats a call while the server is away, as its errors advise; every other error ends the worker."""
    end = time.monotonic() + DEADLINE
    while True:
        try:
            return call()
        except (errors.Unavailable, errors.DeadlineExceeded):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
