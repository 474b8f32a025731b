"""The anchor: the newest checkpoint, kept where the database is not.

A database that lost its end, or was replaced by an older copy, is whole in itself; only what was kept elsewhere
tells that something is missing. What is kept is::

    recoveries 0               how often the operator had gone on with another ledger by then
    muniment/5f0c6a2e9b1d7734  the signed checkpoint, byte for byte
    …

A file is here; a place that several processes share is in `shared_anchor`. Of two anchors the one after more
recoveries is the newer, and of those after as many the longer: an older one never takes the place of a newer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.evidence import number
from muniment.ledger.note import Note

from muniment_core.signing import durable

MOST_BYTES = 64 * 1024
_PREFIX = b"recoveries "


class UnusableAnchor(ValueError):
    """What is kept there is no anchor, or is of another history than what is to be kept."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """What an anchor holds.

    Attributes:
        note: the signed checkpoint, byte for byte.
        recoveries: how many recoveries the ledger told of when it was signed.
    """

    note: bytes
    recoveries: int

    @classmethod
    def parse(cls, content: bytes) -> Anchored:
        """Read what :meth:`to_bytes` wrote; signatures are not looked at.

        Raises:
            UnusableAnchor: if it is something else.
        """
        first, newline, note = content.partition(b"\n")
        try:
            if not (newline and note and first.startswith(_PREFIX)):
                raise ValueError("does not begin with a count of recoveries")
            anchored = cls(note, number(first.removeprefix(_PREFIX).decode("ascii")))
        except ValueError as error:
            raise UnusableAnchor(f"the anchor cannot be read: it {error}") from None
        try:
            _ = anchored.checkpoint
        except InvalidEvidence as error:
            raise UnusableAnchor(f"the anchor holds no checkpoint: {error}") from None
        return anchored

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says, not verified.

        Raises:
            InvalidEvidence: if it is no checkpoint, which :meth:`parse` has made sure of.
        """
        return Checkpoint.parse(Note.parse(self.note).text)

    @property
    def order(self) -> tuple[int, int]:
        """Greater for the newer of two."""
        return self.recoveries, self.checkpoint.size

    def to_bytes(self) -> bytes:
        """The anchor as it is kept."""
        return _PREFIX + str(self.recoveries).encode() + b"\n" + self.note


class Anchor(Protocol):
    """A place for the newest checkpoint.

    Operations raise OSError or a DomainError when the place cannot be used.
    """

    def read(self) -> Anchored | None:
        """What is kept, or None when nothing is. To be read before the database is: what was anchored by others
        meanwhile would else be missing there.

        Raises:
            UnusableAnchor: if what is there is no anchor.
        """

    def write(self, anchored: Anchored) -> bool:
        """Keep this instead of an older one, durably.

        Returns:
            False when a newer one is kept, which stays.

        Raises:
            UnusableAnchor: if what is there is no anchor, or is as old and has another root.
        """

    def clearing(self) -> Callable[[], None]:
        """What removes the anchor that is kept now, readable or not."""


class FileAnchor:
    """An anchor in a file, which is of one process: it is replaced without looking out for others."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Anchored | None:
        """See :class:`Anchor`."""
        try:
            with self._path.open("rb") as file:
                return Anchored.parse(file.read(MOST_BYTES))
        except FileNotFoundError:
            return None

    def write(self, anchored: Anchored) -> bool:
        """See :class:`Anchor`."""
        kept = self.read()
        if kept is not None and kept.order >= anchored.order:
            return check_same(kept.order, kept.checkpoint.root, anchored)
        durable.write(self._path, anchored.to_bytes())
        return True

    def clearing(self) -> Callable[[], None]:
        """See :class:`Anchor`."""
        return partial(durable.remove, self._path)


def check_same(kept: tuple[int, int], root: bytes, anchored: Anchored) -> bool:
    """Whether what is kept, which is not older, is the anchor that is to be kept; if not, it is newer.

    Raises:
        UnusableAnchor: if it is as old and has another root.
    """
    if kept == anchored.order and root != anchored.checkpoint.root:
        raise UnusableAnchor(
            f"the anchor has root {root.hex()} for {kept[1]} entries, while the ledger has "
            f"{anchored.checkpoint.root.hex()}"
        )
    return kept == anchored.order
