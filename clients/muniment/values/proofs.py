"""What shows that the ledger is what it says, for whoever verifies it with :mod:`muniment.ledger`.

None of it is verified yet: these are the registry's words, and the bytes that prove them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.values.edge import time_of

if TYPE_CHECKING:
    from muniment.v1 import ledger_service_pb2


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed head of the ledger.

    Attributes:
        note: the signed note, byte for byte; :func:`muniment.ledger.checkpoint.open_checkpoint` verifies it.
        origin: name of the ledger and of the keys that sign it.
        size: number of entries.
        root_hash: Merkle tree root over them, 32 bytes.
    """

    note: bytes
    origin: str
    size: int
    root_hash: bytes
    sign_time: datetime | None
    message: ledger_service_pb2.Checkpoint = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.Checkpoint) -> Checkpoint:
        return cls(
            note=message.note,
            origin=message.origin,
            size=message.size,
            root_hash=message.root_hash,
            sign_time=time_of(message, "sign_time"),
            message=message,
        )


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That an entry is in the ledger.

    Attributes:
        leaf_index: place of the entry, from 0: its revision less one.
        tree_size: size of the tree it is proved in.
        leaf_hash: RFC 6962 leaf hash of the entry's body, 32 bytes.
        hashes: from the leaf's sibling up to a child of the root.
        checkpoint: the signed head of exactly that size; None: none was signed.
        tlog_proof: all of it as a proof file, which :class:`muniment.ledger.proof.LogProof` verifies; empty
            without a checkpoint.
    """

    leaf_index: int
    tree_size: int
    leaf_hash: bytes
    hashes: tuple[bytes, ...]
    root_hash: bytes
    checkpoint: Checkpoint | None
    tlog_proof: bytes = field(repr=False)
    message: ledger_service_pb2.InclusionProof = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.InclusionProof) -> InclusionProof:
        return cls(
            leaf_index=message.leaf_index,
            tree_size=message.tree_size,
            leaf_hash=message.leaf_hash,
            hashes=tuple(message.hashes),
            root_hash=message.root_hash,
            checkpoint=Checkpoint.of(message.checkpoint) if message.HasField("checkpoint") else None,
            tlog_proof=message.tlog_proof,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the ledger begins with an earlier state of it.

    Attributes:
        hashes: for :func:`muniment.ledger.merkle.verify_consistency`.
        from_root_hash: root of the earlier state, to be compared with the one you know.
    """

    from_size: int
    to_size: int
    hashes: tuple[bytes, ...]
    from_root_hash: bytes
    to_root_hash: bytes
    message: ledger_service_pb2.ConsistencyProof = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.ConsistencyProof) -> ConsistencyProof:
        return cls(
            from_size=message.from_size,
            to_size=message.to_size,
            hashes=tuple(message.hashes),
            from_root_hash=message.from_root_hash,
            to_root_hash=message.to_root_hash,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class LogKey:
    """A public key of the ledger.

    Attributes:
        key: ``<name>+<hash>+<base64>``, for :meth:`muniment.ledger.keys.PublicKey.parse`.
        revision: entry that made it known.
        active: whether it signs now.
        statement: the note by which the key before named this one; empty for the first.
    """

    key: str
    revision: int
    create_time: datetime | None
    active: bool
    statement: bytes = field(repr=False)
    message: ledger_service_pb2.LogKey = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.LogKey) -> LogKey:
        return cls(
            key=message.key,
            revision=message.revision,
            create_time=time_of(message, "create_time"),
            active=message.active,
            statement=message.statement,
            message=message,
        )
