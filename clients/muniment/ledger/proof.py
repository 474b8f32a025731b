"""A proof that stands alone: an entry is in a log whose head was signed, https://c2sp.org/tlog-proof.

::

    c2sp.org/tlog-proof@v1
    extra BASE64                   optional; nobody vouches for it
    index 73894                    of the entry, from 0
    gSKyXoYZUgZ6jduWYrkDOARi…      hashes from the leaf's sibling to a child of the root

    example.com/log                the checkpoint, byte for byte
    …

Such files end in ``.tlog-proof``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.evidence import InvalidEvidence, decode, encode, number
from muniment.ledger.keys import PublicKey
from muniment.ledger.merkle import HASH_BYTES, verify_inclusion
from muniment.ledger.note import MAX_NOTE_BYTES

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63
"""A tree that needs more has 2**63 leaves."""
MAX_EXTRA_BYTES = 1_000_000
_MAX_BYTES = MAX_NOTE_BYTES + 2 * MAX_EXTRA_BYTES


class MalformedProof(InvalidEvidence):
    """The text of a proof cannot be read."""


@dataclass(frozen=True, slots=True)
class LogProof:
    """What a proof file says, not verified.

    Attributes:
        index: place of the entry in the log, from 0: its revision less one.
        hashes: the inclusion proof, from the leaf's sibling up.
        checkpoint: the signed note, byte for byte.
        extra: whatever its maker added; empty: nothing. Do not believe it.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> LogProof:
        """Read a proof file; nothing is verified.

        Raises:
            MalformedProof: if it is not exactly of the form.
        """
        if len(data) > _MAX_BYTES:
            raise MalformedProof(f"proof has {len(data)} bytes, while {_MAX_BYTES} are the most")
        head, blank, checkpoint = data.partition(b"\n\n")
        if not blank:
            raise MalformedProof("proof has no empty line before its checkpoint")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError:
            raise MalformedProof("proof holds other than ASCII before its checkpoint") from None
        if first != HEADER:
            raise MalformedProof(f"proof begins with {first[:200]!r}, while {HEADER!r} is needed")
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _decoded(lines.pop(0).removeprefix("extra "), "extra data")
            if not extra:
                raise MalformedProof("extra data is empty: its line must be left out")
        if not lines or not lines[0].startswith("index "):
            raise MalformedProof("proof has no index where it is needed")
        try:
            index = number(lines.pop(0).removeprefix("index "))
        except ValueError as error:
            raise MalformedProof(f"index {error}") from None
        if len(lines) > MAX_HASHES:
            raise MalformedProof(f"proof has {len(lines)} hashes, while {MAX_HASHES} are the most")
        hashes = tuple(_decoded(line, "hash") for line in lines)
        for one in hashes:
            if len(one) != HASH_BYTES:
                raise MalformedProof(f"a hash has {len(one)} bytes, while {HASH_BYTES} are needed")
        return cls(index, hashes, checkpoint, extra)

    def to_bytes(self) -> bytes:
        """The proof as it is written.

        Raises:
            MalformedProof: if a part of it cannot be.
        """
        lines = [
            HEADER,
            *([f"extra {encode(self.extra)}"] if self.extra else []),
            f"index {self.index}",
            *map(encode, self.hashes),
        ]
        data = "\n".join((*lines, "", "")).encode() + self.checkpoint
        if LogProof.parse(data) != self:
            raise MalformedProof("the parts cannot be written as a proof that reads the same")
        return data

    def verify(self, leaf: bytes, keys: Iterable[PublicKey], *, origin: str | None = None) -> Checkpoint:
        """Check that a leaf hash is in the log as the proof says.

        Args:
            leaf: RFC 6962 leaf hash of the entry's bytes.
            keys: the keys of the log that are trusted.
            origin: the log that is meant; None: any of which a key is trusted.

        Returns:
            The checkpoint, which is to be believed.

        Raises:
            InvalidNote: if the checkpoint is no note, or no trusted key of the log signed it.
            BadSignature: if the signature of a trusted key does not hold.
            InvalidCheckpoint: if its text is no checkpoint, or of another log.
            InvalidProof: if the leaf is not where the proof says.
        """
        checkpoint = open_checkpoint(self.checkpoint, keys, origin=origin)
        verify_inclusion(leaf, self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint


def _decoded(text: str, what: str) -> bytes:
    try:
        return decode(text)
    except ValueError as error:
        raise MalformedProof(f"{what} {error}") from None
