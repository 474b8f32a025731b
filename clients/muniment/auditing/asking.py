"""What is asked of a registry to verify or export its ledger."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from muniment.auditing.export import write_export
from muniment.auditing.seen import SeenCheckpoints
from muniment.auditing.trust import KnownKey, Trust, trust_in, unproven
from muniment.errors import PermissionDenied
from muniment.ledger import InvalidEvidence
from muniment.ledger.checkpoint import Checkpoint, open_checkpoint
from muniment.ledger.keys import PublicKey
from muniment.names import ALL_PROJECTS
from muniment.registry.session import Session
from muniment.v1 import ledger_service_pb2 as pb
from muniment.values import Checkpoint as SignedHead

PAGE = 1_000


def newest_checkpoint(session: Session) -> Any:
    """The checkpoint the registry shows."""
    request = pb.GetCheckpointRequest(parent=session.project.text)
    return session.calls.unary(session.ledger.GetCheckpoint, request)


def open_trusted(
    session: Session, message: Any, *, given: PublicKey | None, seen: PublicKey | None
) -> tuple[Checkpoint, Trust]:
    """A checkpoint that a key signed which is believed.

    Raises:
        LedgerUnproven: if none did.
    """
    request = pb.ListLogKeysRequest(parent=session.project.text)
    answer = session.calls.unary(session.ledger.ListLogKeys, request)
    ends = ""
    try:
        told = [KnownKey(PublicKey.parse(key.key), key.revision, key.statement) for key in answer.keys]
        trust = trust_in(told, given=given, seen=seen)
        ends = trust.ends
        return open_checkpoint(message.note, trust.keys, origin=message.origin), trust
    except InvalidEvidence as error:
        raise unproven(f"the checkpoint of {message.origin}", error, ends) from error


def all_entries(session: Session) -> Iterator[Any]:
    """Every entry of the ledger.

    Raises:
        PermissionDenied: if the caller has no role on the instance.
    """
    request = pb.ListEntriesRequest(parent=ALL_PROJECTS, page_size=PAGE)
    try:
        yield from session.calls.pages(session.ledger.ListEntries, request, "entries")
    except PermissionDenied as error:
        raise PermissionDenied(
            "a whole ledger holds the entries of all projects and of the instance; to read it you need a role on "
            "the instance, by a token made with --project -. Without one, --incremental proves that nothing of "
            "what was seen before was changed",
            error.reason,
            error.metadata,
        ) from error


def export_ledger(
    session: Session, directory: Path, seen: SeenCheckpoints, *, key: PublicKey | None
) -> SignedHead:
    """Write the ledger into a directory; see :mod:`muniment.auditing.export`.

    Raises:
        LedgerUnproven: if the checkpoint is signed neither by the key, by default the one seen before, nor by one
            that follows from it.
    """
    message = newest_checkpoint(session)
    # Read even where a key is given: one that was kept and cannot be read should be told, as when verifying.
    before = seen.of(message.origin)
    signed, _ = open_trusted(session, message, given=key, seen=before.key if before else None)
    bodies = (entry.body for entry in islice(all_entries(session), signed.size))
    write_export(directory, signed, message.note, bodies)
    return SignedHead.of(message)
