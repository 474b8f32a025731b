"""Telling the registry what runs, without ever holding a deployment up.

Reports are sent by a thread of their own, in order. While the registry is away only the newest one waits:
it is the one that will be true when the registry is back.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from muniment import errors

from muniment_deployer.registry import DeploymentState

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 4_096
"""Characters the registry takes in the message of a report."""

_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 15.0


@dataclass(frozen=True)
class Report:
    """One thing to tell."""

    number: int
    digest: str
    state: DeploymentState
    acted_revision: int
    message: str = ""


class News:
    """Passes a report on unless it was told already.

    Every report becomes an entry of a ledger that is never shortened, while what is reported may be tried again
    and again: that a version is being deployed, or failed, is told once per revision, whatever the reason is now.

    Args:
        tell: takes what is new.
    """

    def __init__(self, tell: Callable[[Report], None]) -> None:
        self._tell = tell
        self._told: set[tuple[int, str, DeploymentState, int]] = set()
        self._revision = 0

    def tell(self, report: Report) -> None:
        """Pass the report on if it is news."""
        if report.acted_revision > self._revision:
            self._revision = report.acted_revision
            self._told.clear()
        key = (report.number, report.digest, report.state, report.acted_revision)
        if key not in self._told:
            self._told.add(key)
            self._tell(report)

    def forget(self) -> None:
        """Everything is news again."""
        self._revision = 0
        self._told.clear()


class Reporter:
    """Sends reports in the background.

    Args:
        send: makes the call; raises a ``muniment.errors.MunimentError`` when it is refused.
    """

    def __init__(self, send: Callable[[Report], object]) -> None:
        self._send = send
        self._waiting: deque[Report] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._sending = False
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)
        self._thread.start()

    def tell(self, report: Report) -> None:
        """Queue a report; returns at once."""
        with self._changed:
            self._waiting.append(report)
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything is told, at most ``timeout`` seconds; False: something is not."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._sending, timeout)

    def close(self, timeout: float = 3.0) -> None:
        """Tell what is left if that is quick, and end. Closing twice is fine."""
        if self._closing:
            return
        if not self.flush(timeout):
            log.warning("the registry was not told the last state: it does not answer")
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if self._closing:
                    return
                report = self._waiting.popleft()
                self._sending = True
            again = not self._sent(report)
            with self._changed:
                self._sending = False
                if again and not self._waiting:
                    self._waiting.append(report)
                while again and len(self._waiting) > 1:
                    self._waiting.popleft()
                self._changed.notify_all()
                if again:
                    self._changed.wait_for(lambda: self._closing, random.uniform(pause / 2, pause))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS) if again else _FIRST_PAUSE_SECONDS

    def _sent(self, report: Report) -> bool:
        try:
            self._send(report)
        except (errors.Unavailable, errors.DeadlineExceeded) as error:
            log.info("reporting version %d %s waits for the registry: %s", report.number, report.state, error)
            return False
        except errors.MunimentError as error:
            log.warning(
                "the registry refused the report of version %d %s: %s", report.number, report.state, error
            )
        return True
