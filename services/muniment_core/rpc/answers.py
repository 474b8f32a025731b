"""Finished answers about models, kept while nothing of the model changes.

An answer is kept with the ledger revision at which its model last changed. Whoever asks again reads that revision
from the database first, in the same call, so an answer is never older than the database, whichever process made
the change; what is saved is reading and building it again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

CAPACITY_BYTES = 16 * 1024 * 1024
"""Some 20,000 usual versions."""
_OVERHEAD_BYTES = 400
"""What keeping an answer takes beside its bytes, measured."""


def about_number(number: int) -> str:
    """The question about a model that asks for a version of it."""
    return f"number {number}"


@dataclass(frozen=True, slots=True)
class Mark:
    """The state of a model.

    Attributes:
        model_id: its key.
        revision: newest ledger entry that names it.
        openings: tells apart states of one revision before and after the database was replaced, see
            :attr:`muniment_core.db.database.Database.openings`.
    """

    model_id: int
    revision: int
    openings: int


class Answers:
    """The answers used last, up to a number of bytes. For any thread."""

    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._turn = threading.Lock()
        self._capacity = capacity_bytes
        self._kept: OrderedDict[tuple[int, str], tuple[Mark, bytes]] = OrderedDict()
        self._size = 0

    @property
    def size_bytes(self) -> int:
        """What is kept takes so much memory."""
        return self._size

    def get(self, mark: Mark, question: str) -> bytes | None:
        """The answer to a question about a model in exactly this state, or None."""
        key = (mark.model_id, question)
        with self._turn:
            found = self._kept.get(key)
            if found is None or found[0] != mark:
                return None
            self._kept.move_to_end(key)
            return found[1]

    def put(self, mark: Mark, question: str, answer: bytes) -> None:
        """Keep an answer that was made from a snapshot in which the model had this state."""
        key = (mark.model_id, question)
        with self._turn:
            self._forget(key)
            if _size(question, answer) > self._capacity // 8:
                return
            self._kept[key] = (mark, answer)
            self._size += _size(question, answer)
            while self._size > self._capacity:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: tuple[int, str]) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._size -= _size(key[1], found[1])


def _size(question: str, answer: bytes) -> int:
    return len(question) + len(answer) + _OVERHEAD_BYTES
