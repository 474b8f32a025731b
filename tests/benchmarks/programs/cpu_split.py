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

    def call(self, part: str, function: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Call a function and count what it spends."""
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

    def wrap(self, part: str, owner: Any, *names: str) -> None:
        """Count functions of a module or methods of a class."""
        for name in names:
            setattr(owner, name, self._timed(part, getattr(owner, name)))

    def wrap_hashing(self, part: str, *modules: Any) -> None:
        """Count what modules hash with ``hashlib.sha256``."""
        split = self

        class Sha256:
            __slots__ = ("_hash", "digest", "hexdigest")

            def __init__(self, data: Any = b"") -> None:
                self._hash = hashlib.sha256()
                self.hexdigest = self._hash.hexdigest
                self.digest = self._hash.digest
                if len(data):
                    self.update(data)

            def update(self, data: Any) -> None:
                split.call(part, self._hash.update, data)

        for module in modules:
            module.hashlib = SimpleNamespace(sha256=Sha256)

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **options: Any) -> Any:
            return self.call(part, function, *arguments, **options)

        return call
