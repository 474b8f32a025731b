"""The anchor: the newest checkpoint, kept where the database is not.

A database that lost its end, or was replaced by an older copy, is whole in itself; only what was kept elsewhere
tells that something is missing. The file is::

    recoveries 0               how often the operator had gone on with another ledger by then
    muniment/5f0c6a2e9b1d7734  the signed checkpoint, byte for byte
    …
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muniment.ledger.evidence import number

from muniment_core.signing import durable

MOST_BYTES = 64 * 1024
_PREFIX = b"recoveries "


class UnreadableAnchor(ValueError):
    """What is kept there is no anchor."""


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
        """Read what :meth:`to_bytes` wrote; the note is not looked at.

        Raises:
            UnreadableAnchor: if it is something else.
        """
        first, newline, note = content.partition(b"\n")
        try:
            if not (newline and note and first.startswith(_PREFIX)):
                raise ValueError("does not begin with a count of recoveries")
            return cls(note, number(first.removeprefix(_PREFIX).decode("ascii")))
        except ValueError as error:
            raise UnreadableAnchor(f"the anchor cannot be read: it {error}") from None

    def to_bytes(self) -> bytes:
        """The anchor as it is kept."""
        return _PREFIX + str(self.recoveries).encode() + b"\n" + self.note


class Anchor(Protocol):
    """A place for the newest checkpoint. Operations raise OSError when the place cannot be used."""

    def read(self) -> Anchored | None:
        """What is kept, or None when nothing is.

        Raises:
            UnreadableAnchor: if what is there is no anchor.
        """

    def write(self, anchored: Anchored) -> None:
        """Keep this instead, durably."""

    def clear(self) -> None:
        """Keep nothing."""


class FileAnchor:
    """An anchor in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Anchored | None:
        """See :class:`Anchor`."""
        try:
            with self._path.open("rb") as file:
                return Anchored.parse(file.read(MOST_BYTES))
        except FileNotFoundError:
            return None

    def write(self, anchored: Anchored) -> None:
        """See :class:`Anchor`."""
        durable.write(self._path, anchored.to_bytes())

    def clear(self) -> None:
        """See :class:`Anchor`."""
        durable.remove(self._path)
