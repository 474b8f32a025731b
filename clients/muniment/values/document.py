"""A version written as a document."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from muniment.v1 import metadata_service_pb2

ExportFormat = Literal["cyclonedx", "card"]


@dataclass(frozen=True, slots=True)
class Document:
    """A version in a format of the trade.

    Attributes:
        content: the document, in UTF-8.
        file_name: a safe name to keep it under.
    """

    content: bytes
    media_type: str
    file_name: str
    message: metadata_service_pb2.ExportedVersion = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: metadata_service_pb2.ExportedVersion) -> Document:
        return cls(message.content, message.media_type, message.file_name, message)
