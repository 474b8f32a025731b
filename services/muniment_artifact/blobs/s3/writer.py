"""One blob on its way into an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from muniment.digests import Digest

from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.failures import storage_errors


class S3BlobWriter:
    """Collects one blob in a temporary file and sends it when it is right."""

    def __init__(
        self, expected: ExpectedBytes, spool: BinaryIO, *, upload: Callable[[Digest, BinaryIO, int], None]
    ) -> None:
        self._expected = expected
        self._spool = spool
        self._upload = upload

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self._expected.add(data)
        with storage_errors():
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[self._spool.write(remaining) :]

    def commit(self) -> None:
        """Check, then send; the answer of the server means that the object is durable and visible."""
        try:
            self._expected.check()
            self._upload(self._expected.digest, self._spool, self._expected.size)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the bytes."""
        self._spool.close()
