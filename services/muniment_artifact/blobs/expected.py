"""Compares bytes that come by with what was declared for them."""

from __future__ import annotations

import hashlib

from muniment.digests import Digest
from muniment_core.domain.errors import DigestMismatch, SizeMismatch


class ExpectedBytes:
    """Counts and hashes bytes on their way into a store.

    Who supplied the bytes is at fault when they differ, so the errors are those of a bad request; bytes that
    come out of a store are judged by :mod:`muniment_artifact.blobs.verified`.
    """

    def __init__(self, digest: Digest, size: int) -> None:
        self.digest = digest
        self.size = size
        self.count = 0
        self._hasher = hashlib.sha256()

    def add(self, data: bytes | memoryview) -> None:
        """Take the next bytes.

        Raises:
            SizeMismatch: if they are more than was declared.
        """
        self.count += len(data)
        if self.count > self.size:
            raise SizeMismatch(f"blob {self.digest}", declared=self.size, actual=self.count)
        self._hasher.update(data)

    def check(self) -> None:
        """Judge the whole.

        Raises:
            SizeMismatch: if bytes are lacking.
            DigestMismatch: if their digest is another one.
        """
        if self.count != self.size:
            raise SizeMismatch(f"blob {self.digest}", declared=self.size, actual=self.count)
        actual = Digest.of_hash(self._hasher)
        if actual != self.digest:
            raise DigestMismatch(declared=self.digest.text, actual=actual.text)
