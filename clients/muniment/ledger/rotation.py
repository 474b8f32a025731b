"""How one key of a log hands over to the next: a signed note by the old key that names the new one.

::

    muniment-key-rotation/v1
    example.com/log                                         origin
    412                                                     revision of the entry that holds this note
    example.com/log+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiB…      the new key

    — example.com/log …                                     by the old key

The first line keeps it apart from a checkpoint, whose second line is a number.
"""

from __future__ import annotations

from muniment.ledger.evidence import InvalidEvidence
from muniment.ledger.keys import PublicKey, SigningKey
from muniment.ledger.note import Note

HEADER = "muniment-key-rotation/v1"


class InvalidRotation(InvalidEvidence):
    """A statement does not hand a log over from one key to another."""


def sign_rotation(old: SigningKey, new: PublicKey, *, revision: int) -> bytes:
    """The statement of an old key that a new one follows from a revision on.

    Raises:
        InvalidRotation: if the two keys are not of one log, or are the same.
    """
    if new.name != old.public.name or new == old.public:
        raise InvalidRotation(f"key {new.text} cannot follow key {old.public.text}")
    return Note(_text(new, revision), ()).signed_by(old).to_bytes()


def verify_rotation(statement: bytes, old: PublicKey, *, revision: int) -> PublicKey:
    """The key that follows, if the old one says so.

    Raises:
        InvalidEvidence: if the old key did not sign it, or it is of another log or revision.
    """
    note = Note.parse(statement)
    note.verified_by([old])
    new = PublicKey.parse(note.text.rstrip("\n").rpartition("\n")[2])
    if new.name != old.name or note.text != _text(new, revision):
        raise InvalidRotation(f"the statement is not that key {old.text} is followed at revision {revision}")
    return new


def _text(new: PublicKey, revision: int) -> str:
    return "\n".join((HEADER, new.name, str(revision), new.text, ""))
