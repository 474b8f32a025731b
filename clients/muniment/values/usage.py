"""How much space something takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.v1 import artifact_service_pb2


@dataclass(frozen=True, slots=True)
class Usage:
    """How much space a project, a model or a version takes.

    Attributes:
        name: resource name of what was measured.
        version_count: its versions, tombstones left out.
        logical_bytes: of all their files.
        stored_bytes: of the different chunks these are made of that are at hand.
        shared_bytes: of those chunks that other versions of the project need as well.
        archived_bytes: of the different chunks that are in the cold tier.
    """

    name: str
    version_count: int
    logical_bytes: int
    stored_bytes: int
    shared_bytes: int
    archived_bytes: int
    message: artifact_service_pb2.Usage = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: artifact_service_pb2.Usage) -> Usage:
        return cls(
            message.name,
            message.version_count,
            message.logical_bytes,
            message.stored_bytes,
            message.shared_bytes,
            message.archived_bytes,
            message,
        )
