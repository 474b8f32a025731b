"""Tensors of stored files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from muniment.v1 import artifact_service_pb2


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor of a version, as its file tells of it.

    Attributes:
        path: of the file it is in.
        dtype: as the file says, such as ``F32`` or ``BF16``.
        shape: sizes of its dimensions.
        offset: of its first byte in the file.
        size_bytes: how many bytes it has.
    """

    path: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    size_bytes: int
    message: artifact_service_pb2.Tensor = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: artifact_service_pb2.Tensor) -> StoredTensor:
        return cls(
            message.path,
            message.name,
            message.dtype,
            tuple(message.shape),
            message.offset,
            message.size,
            message,
        )
