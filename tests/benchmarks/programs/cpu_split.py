"""Where the CPU seconds of a process go: parts of our code are wrapped, and each counts what is spent in it."""

from __future__ import annotations

import functools
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any


class CpuSplit:
    """Seconds by part. What a part calls of another one counts there and not here."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds = Counter[str]()
        self._inner = threading.local()

    def seconds(self) -> dict[str, float]:
        """What was spent so far."""
        with self._lock:
            return dict(self._seconds)

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, counted."""

        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            outer = getattr(self._inner, "spent", 0.0)
            self._inner.spent = 0.0
            began = time.thread_time()
            try:
                return function(*arguments, **options)
            finally:
                spent = time.thread_time() - began
                with self._lock:
                    self._seconds[part] += spent - self._inner.spent
                self._inner.spent = outer + spent

        return call

    def wrap(self, part: str, owner: Any, *names: str) -> None:
        """Count functions of a module or methods of a class."""
        for name in names:
            setattr(owner, name, self.timed(part, getattr(owner, name)))

    def wrap_hashing(self, part: str, *modules: Any) -> None:
        """Count what modules hash with ``hashlib.sha256``."""
        split = self

        class Sha256:
            def __init__(self, data: Any = b"") -> None:
                self._hash = hashlib.sha256()
                self.update = split.timed(part, self._hash.update)
                self.hexdigest = self._hash.hexdigest
                self.digest = self._hash.digest
                if len(data):
                    self.update(data)

        for module in modules:
            module.hashlib = SimpleNamespace(sha256=Sha256)
