"""Proofs, checkpoints and keys as messages of the contract."""

from __future__ import annotations

from muniment.ledger.checkpoint import Checkpoint
from muniment.ledger.note import Note
from muniment.ledger.proof import LogProof
from muniment.v1 import ledger_service_pb2 as pb
from muniment_core.domain.signing import LogKey, SignedCheckpoint
from muniment_core.rpc.convert import timestamp

from muniment_metadata.proofs import ProvedEntry, ProvedHistory


def checkpoint_message(signed: SignedCheckpoint) -> pb.Checkpoint:
    """A checkpoint for an answer."""
    origin = Checkpoint.parse(Note.parse(signed.note).text).origin
    return pb.Checkpoint(
        note=signed.note,
        origin=origin,
        size=signed.size,
        root_hash=signed.root,
        sign_time=timestamp(signed.time),
    )


def inclusion_message(proved: ProvedEntry) -> pb.InclusionProof:
    """An inclusion proof for an answer, as a proof file too where there is a checkpoint to go with it."""
    message = pb.InclusionProof(
        leaf_index=proved.index,
        tree_size=proved.size,
        leaf_hash=proved.leaf,
        hashes=proved.hashes,
        root_hash=proved.root,
    )
    if proved.checkpoint is not None:
        message.checkpoint.CopyFrom(checkpoint_message(proved.checkpoint))
        message.tlog_proof = LogProof(proved.index, tuple(proved.hashes), proved.checkpoint.note).to_bytes()
    return message


def consistency_message(proved: ProvedHistory) -> pb.ConsistencyProof:
    """A consistency proof for an answer."""
    return pb.ConsistencyProof(
        from_size=proved.from_size,
        to_size=proved.to_size,
        hashes=proved.hashes,
        from_root_hash=proved.from_root,
        to_root_hash=proved.to_root,
    )


def key_message(key: LogKey, statement: bytes, *, active: bool) -> pb.LogKey:
    """A public key of the log for an answer."""
    return pb.LogKey(
        key=key.public.text,
        revision=key.revision,
        create_time=timestamp(key.create_time),
        active=active,
        statement=statement,
    )
