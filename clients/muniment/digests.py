"""Content digests: ``sha256:<64 lower-case hex>``, the only form in which bytes are named."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class InvalidDigest(ValueError):
    """The text is not ``sha256:`` followed by 64 lower-case hexadecimal digits."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A sha256 digest as text; two digests are equal when their bytes are."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Read a digest.

        Raises:
            InvalidDigest: if the text has another form.
        """
        if not _DIGEST.fullmatch(text):
            raise InvalidDigest(
                f"{text[:100]!r} is not a digest: write sha256: and 64 lower-case hexadecimal digits"
            )
        return cls(text)

    @classmethod
    def of(cls, data: bytes | memoryview) -> Digest:
        """The digest of bytes held in memory."""
        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @classmethod
    def of_hash(cls, hasher: hashlib._Hash) -> Digest:
        """The digest a ``hashlib.sha256`` object has arrived at."""
        return cls("sha256:" + hasher.hexdigest())

    @property
    def hex(self) -> str:
        """The 64 hexadecimal digits alone."""
        return self.text[7:]

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.hex)

    def __str__(self) -> str:
        return self.text
