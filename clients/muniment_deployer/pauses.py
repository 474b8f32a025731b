"""How long the deployer waits before it tries again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Pauses:
    """Seconds."""

    first: float = 0.25
    """Before the second attempt to reach a registry that is away; doubled from then on."""
    longest: float = 15.0
    first_retry: float = 15.0
    """Before a version that did not come up is tried again: the cause may have been this machine's, a full disk
    or too little memory, and then nothing else would ever try. Doubled from then on."""
    longest_retry: float = 600.0
    resync: float = 300.0
    """Until the stage is read again though no event came: a registry that was restored from a backup or replaced
    by another may have revisions of its own, of which none is told to who comes with an older one."""


class Backoff:
    """Pauses that grow, a little apart from those of others."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = self._next = first
        self._longest = longest

    def next(self) -> float:
        """The pause to make now."""
        pause, self._next = self._next, min(2 * self._next, self._longest)
        return random.uniform(pause / 2, pause)

    def reset(self) -> None:
        """Begin with the shortest again."""
        self._next = self._first
