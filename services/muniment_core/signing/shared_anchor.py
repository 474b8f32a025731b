"""An anchor that all processes of a registry share, as small objects of a store.

::

    anchor/
    └── 0000000000-00000000000000001234-9f3a…   recoveries, size and root of the checkpoint in it

Each checkpoint is an object of its own and the newest name counts, so that no write can undo another one: who
comes late adds an older name, which changes nothing and goes with the next write. Neither conditional requests
nor locks are needed, which few stores offer alike.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from muniment_core.domain.errors import DomainError, StorageUnavailable
from muniment_core.signing.anchor import Anchored, UnusableAnchor, check_same

ANCHOR_STORE = "anchor"
"""How errors call the place; where it is stays with the server."""
LOOKS = 10
"""How often an anchor is looked for that was replaced between listing and reading it."""
_log = logging.getLogger(__name__)
_NAME = re.compile(r"(\d{10})-(\d{20})-([0-9a-f]{64})")


class Objects(Protocol):
    """Small objects of one place, each of them there whole or not at all, and listed from then on.

    Operations raise a DomainError when the store cannot be used.
    """

    def names(self) -> list[str]:
        """Names of all."""

    def get(self, name: str) -> bytes | None:
        """An object, or None when there is none."""

    def put(self, name: str, content: bytes) -> None:
        """Keep an object, durably."""

    def remove(self, name: str) -> None:
        """Remove an object; fine when there is none."""


@dataclass(frozen=True, slots=True, order=True)
class _Name:
    recoveries: int
    size: int
    root: str

    @classmethod
    def of(cls, anchored: Anchored) -> _Name:
        checkpoint = anchored.checkpoint
        return cls(anchored.recoveries, checkpoint.size, checkpoint.root.hex())

    @property
    def order(self) -> tuple[int, int]:
        return self.recoveries, self.size

    @property
    def text(self) -> str:
        return f"{self.recoveries:010}-{self.size:020}-{self.root}"


class SharedAnchor:
    """An anchor of several processes."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def read(self) -> Anchored | None:
        """See :class:`muniment_core.signing.anchor.Anchor`."""
        for _ in range(LOOKS):
            newest = _newest(self._names())
            if newest is None:
                return None
            content = self._objects.get(newest.text)
            if content is not None:
                anchored = Anchored.parse(content)
                if _Name.of(anchored) != newest:
                    raise UnusableAnchor(f"the anchor {newest.text} holds something else than its name says")
                return anchored
        raise StorageUnavailable(ANCHOR_STORE)

    def write(self, anchored: Anchored) -> bool:
        """See :class:`muniment_core.signing.anchor.Anchor`."""
        kept = self._names()
        newest, name = _newest(kept), _Name.of(anchored)
        if newest is not None and newest.order >= name.order:
            return check_same(newest.order, bytes.fromhex(newest.root), anchored)
        self._objects.put(name.text, anchored.to_bytes())
        try:
            self._remove(kept)
        except DomainError as error:
            # The newest counts, whatever is beside it; whoever writes next removes them.
            _log.warning("older anchors than that of %d entries could not be removed: %s", name.size, error)
        return True

    def clearing(self) -> Callable[[], None]:
        """See :class:`muniment_core.signing.anchor.Anchor`."""
        return partial(self._remove, self._names())

    def _names(self) -> list[_Name]:
        found = (_NAME.fullmatch(name) for name in self._objects.names())
        return [_Name(int(match[1]), int(match[2]), match[3]) for match in found if match is not None]

    def _remove(self, names: Iterable[_Name]) -> None:
        for name in names:
            self._objects.remove(name.text)


def _newest(names: list[_Name]) -> _Name | None:
    newest = max(names, default=None)
    for name in names:
        if newest is not None and name.order == newest.order and name != newest:
            raise UnusableAnchor(
                f"the anchor has two roots for {name.size} entries, {name.root} and {newest.root}: "
                "two databases went on as one ledger"
            )
    return newest
