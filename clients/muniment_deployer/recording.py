"""What the endpoint predicts is recorded in the registry, and never at the cost of an answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from muniment.errors import MunimentError

log = logging.getLogger(__name__)

VERSIONS_HELD = 2
"""The version that answers, and the one before it, which may still finish requests."""
PAUSE_SECONDS = 60.0
"""After a refusal, such as a token without the role, recording is tried again this much later."""
CLOSE_SECONDS = 5.0


class Recorder(Protocol):
    """The SDK's recorder of one version's predictions."""

    def record(self, *, input: bytes, output: bytes) -> str: ...
    def close(self, timeout: float) -> None: ...


class Recording:
    """A recorder for each version that answers. Used from the endpoint's thread."""

    def __init__(
        self, recorder_of: Callable[[int], Recorder], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            recorder_of: makes the recorder of a version, given its number; it must never wait.
        """
        self._recorder_of = recorder_of
        self._clock = clock
        self._recorders: dict[int, Recorder] = {}
        self._silent_until = float("-inf")

    def record(self, number: int, asked: bytes, answered: bytes) -> str | None:
        """Record a prediction of a version; its id, or None when predictions are not taken at the moment."""
        if self._clock() < self._silent_until:
            return None
        try:
            recorder = self._recorders.get(number)
            if recorder is None:
                recorder = self._recorders[number] = self._recorder_of(number)
                self._retire(list(self._recorders)[:-VERSIONS_HELD])
            return recorder.record(input=asked, output=answered)
        except MunimentError as error:
            log.error("predictions are not recorded for a minute: %s", error.diagnostics())
            self._silent_until = self._clock() + PAUSE_SECONDS
            self._retire([number])
            return None

    def close(self) -> None:
        """Give what waits some seconds to be kept."""
        for recorder in self._recorders.values():
            _close(recorder)

    def _retire(self, numbers: list[int]) -> None:
        """Close recorders in the background: they may have something to send."""
        for number in numbers:
            recorder = self._recorders.pop(number, None)
            if recorder is not None:
                threading.Thread(target=_close, args=(recorder,), name="recording", daemon=True).start()


def _close(recorder: Recorder) -> None:
    try:
        recorder.close(CLOSE_SECONDS)
    except MunimentError as error:
        log.error("predictions were not recorded: %s", error.diagnostics())
