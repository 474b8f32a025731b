"""What a pull tells of its progress when its bytes come from several places at once."""

from __future__ import annotations

import threading

from muniment.transfer.progress import Progress


class Reported:
    """Counts bytes that are there, each once; from any thread."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._untold = total
        self._credit = 0
        self._telling = threading.Lock()

    def advance(self, count: int) -> None:
        """Tell of bytes, but not again of those that another process was seen to receive."""
        with self._telling:
            used = min(self._credit, count)
            self._credit -= used
            self._tell(count - used)

    def seen(self, count: int) -> None:
        """Tell of bytes that another process has received, and that will be told of when they are in place."""
        with self._telling:
            self._credit += count
            self._tell(count)

    def _tell(self, count: int) -> None:
        """What another process begins anew is seen twice: no more is told than there is."""
        count = min(count, self._untold)
        self._untold -= count
        if count:
            self._progress(count)
