"""The seam behind which the bodies of batches are kept."""

from __future__ import annotations

from typing import Protocol


class BodyStore(Protocol):
    """Keeps the bodies of batches by digest. Calls wait: they belong on the I/O pool."""

    def put(self, data: bytes) -> str:
        """Make a body durable; its digest."""

    def get(self, digest: str, size: int) -> bytes:
        """Read a body.

        Raises:
            BytesDamaged: if it is gone or changed.
        """

    def drop(self, digest: str) -> None:
        """Remove a body; fine when it is gone."""
