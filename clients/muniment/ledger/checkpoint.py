"""Checkpoints: the signed head of a log, https://c2sp.org/tlog-checkpoint.

::

    example.com/log                                   origin: which log this is
    20852163                                          number of its entries
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=      root of its Merkle tree

    — example.com/log Az3grlgtzPICa5OS8npV…
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from muniment.ledger.evidence import InvalidEvidence, decode, encode, number
from muniment.ledger.keys import PublicKey, SigningKey
from muniment.ledger.merkle import EMPTY_ROOT, HASH_BYTES
from muniment.ledger.note import InvalidNote, Note


class InvalidCheckpoint(InvalidEvidence):
    """A checkpoint's text cannot be read, or is of another log."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long a log was and what its root was.

    Attributes:
        origin: names the log; the keys that sign for it have the same name.
        size: number of entries.
        root: RFC 9162 root over them, 32 bytes.
        extensions: further lines, which Muniment never writes.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note, which must have been verified before it is believed.

        Raises:
            InvalidCheckpoint: if it is not exactly of the form.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() or not all(lines):
            raise InvalidCheckpoint("checkpoint is not three or more lines, none of them empty")
        origin, size, root, *extensions = lines
        try:
            checkpoint = cls(origin, number(size), decode(root), tuple(extensions))
        except ValueError as error:
            raise InvalidCheckpoint(f"size or root of the checkpoint of {origin}: {error}") from None
        if len(checkpoint.root) != HASH_BYTES:
            raise InvalidCheckpoint(
                f"root of the checkpoint has {len(checkpoint.root)} bytes, while {HASH_BYTES} are needed"
            )
        if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
            raise InvalidCheckpoint(f"root {checkpoint.root.hex()} is not that of the empty tree")
        return checkpoint

    @property
    def text(self) -> str:
        """What is signed."""
        return "\n".join((self.origin, str(self.size), encode(self.root), *self.extensions, ""))

    def signed_by(self, signer: SigningKey) -> bytes:
        """The checkpoint as a signed note.

        Raises:
            InvalidCheckpoint: if the key is that of another log.
        """
        if signer.public.name != self.origin:
            raise InvalidCheckpoint(f"key of {signer.public.name} cannot sign a checkpoint of {self.origin}")
        return Note(self.text, ()).signed_by(signer).to_bytes()


def open_checkpoint(note: bytes, keys: Iterable[PublicKey], *, origin: str | None = None) -> Checkpoint:
    """Read a checkpoint that one of its log's keys signed.

    Args:
        note: the signed note, byte for byte.
        keys: the keys that are trusted.
        origin: the log that is meant; None: any of which a key is trusted.

    Raises:
        InvalidNote: if it is no note, or no trusted key of the log signed it.
        BadSignature: if the signature of a trusted key does not hold.
        InvalidCheckpoint: if its text is no checkpoint, or of another log than ``origin``.
    """
    signed = Note.parse(note)
    signers = signed.verified_by(keys)
    checkpoint = Checkpoint.parse(signed.text)
    if origin is not None and checkpoint.origin != origin:
        raise InvalidCheckpoint(f"checkpoint is of {checkpoint.origin}, while {origin} is meant")
    if all(key.name != checkpoint.origin for key in signers):
        raise InvalidNote(
            f"checkpoint of {checkpoint.origin} is signed by {', '.join(key.name for key in signers)}, "
            "and by no key of that name"
        )
    return checkpoint
