"""One change of the registry, as watched and as audited."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.values.edge import time_of

if TYPE_CHECKING:
    from muniment.v1 import ledger_service_pb2

EVENT_TYPES = (
    "project.created",
    "model.created",
    "model.updated",
    "model.deleted",
    "version.created",
    "version.updated",
    "version.deleted",
    "version.archived",
    "version.restored",
    "metrics.added",
    "alias.set",
    "alias.deleted",
    "stage.promoted",
    "stage.rolled_back",
    "deployment.reported",
    "predictions.sealed",
    "predictions.expired",
    "token.created",
    "token.revoked",
    "log.key_added",
    "log.key_rotated",
    "log.key_replaced",
    "log.recovered",
)
"""What registries of this version and older ones record; a newer one may have more."""


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the ledger.

    Attributes:
        revision: position in the ledger: 1, 2, 3… in commit order.
        type: one of ``EVENT_TYPES`` or of a newer registry; skip those you do not know.
        number: version it is about, for a pointer the one now current; 0: none.
        previous_number: for a pointer, the version that was current before; 0: none.
        body: the exact bytes that were hashed.
        leaf_hash: RFC 6962 leaf hash of ``body``.
    """

    revision: int
    type: str
    time: datetime | None
    actor: str
    project: str
    model: str
    stage: str
    number: int
    previous_number: int
    digest: str
    reason: str
    body: bytes = field(repr=False)
    leaf_hash: bytes = field(repr=False)
    message: ledger_service_pb2.LedgerEntry = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.LedgerEntry) -> Event:
        return cls(
            revision=message.revision,
            type=message.type,
            time=time_of(message, "time"),
            actor=message.actor,
            project=message.project,
            model=message.model,
            stage=message.stage,
            number=message.number,
            previous_number=message.previous_number,
            digest=message.digest,
            reason=message.reason,
            body=message.body,
            leaf_hash=message.leaf_hash,
            message=message,
        )
