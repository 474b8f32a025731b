"""Who signs the ledger, what was signed, and when the operator went on with another ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from muniment.ledger.keys import PublicKey

KEY_ADDED = "log.key_added"
KEY_ROTATED = "log.key_rotated"
KEY_REPLACED = "log.key_replaced"
RECOVERED = "log.recovered"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log.

    Attributes:
        revision: entry that made it known; its signatures are of later heads or of that one.
    """

    revision: int
    public: PublicKey
    create_time: datetime


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A head of the ledger that was signed.

    Attributes:
        note: the signed note, byte for byte.
        key_revision: which key signed, by :attr:`LogKey.revision`.
    """

    size: int
    root: bytes
    note: bytes
    key_revision: int
    time: datetime


@dataclass(frozen=True, slots=True)
class Recovery:
    """The operator went on with a ledger that is not the one that was signed.

    Attributes:
        revision: entry that says so.
        kept_size: entries before it: what the operator went on with.
        anchor_size: size of the newest signed head that was given up.
    """

    revision: int
    kept_size: int
    anchor_size: int
    anchor_root: bytes
    reason: str
    time: datetime
