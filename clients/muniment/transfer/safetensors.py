"""Where the tensors of a safetensors file lie, as its header says, see :mod:`muniment.tensor_header`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from muniment.tensor_header import LENGTH_BYTES, header_length, read_header


@dataclass(frozen=True, slots=True, order=True)
class Extent:
    """Bytes of a file: from ``start`` up to ``end``, which is the first byte after them."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """How many bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Layout:
    """A file as its header tells it.

    Attributes:
        data_start: where the header ends.
        tensors: extent of each tensor, in the order of the file.
        kinds: type and shape of each tensor, as the header says; nothing depends on them here.
    """

    data_start: int
    tensors: dict[str, Extent]
    kinds: dict[str, tuple[str, tuple[int, ...]]]


def read_layout(read: Callable[[int, int], bytes], size: int) -> Layout:
    """The layout of a file.

    Args:
        read: gives bytes by offset and length, fewer at the end of the file.
        size: of the file.

    Raises:
        UntrueHeader: if it is not one of safetensors, or its header is not to be believed.
    """
    length = header_length(read(0, LENGTH_BYTES), size)
    tensors = read_header(read(LENGTH_BYTES, length), size)
    return Layout(
        LENGTH_BYTES + length,
        {tensor.name: Extent(tensor.start, tensor.end) for tensor in tensors},
        {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors},
    )
