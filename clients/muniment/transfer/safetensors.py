"""Where the tensors of a safetensors file lie; the file is not believed to say the truth.

The format (https://github.com/huggingface/safetensors, README, "Format"): 8 bytes, little-endian, with the length
of a JSON object; that object, which names for each tensor its type, shape and ``data_offsets``, first byte and end
within what follows; then the bytes of the tensors.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 16 * 1024 * 1024
"""About a hundred thousand tensors. The format allows 100 MB, which as Python objects would be a gigabyte."""


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


def read_layout(read: Callable[[int, int], bytes], size: int) -> Layout | None:
    """The layout of a file, or None if it is not one of safetensors.

    Args:
        read: gives bytes by offset and length, fewer at the end of the file.
        size: of the file.
    """
    length = int.from_bytes(read(0, LENGTH_BYTES), "little")
    if size < LENGTH_BYTES or not 2 <= length <= min(MAX_HEADER_BYTES, size - LENGTH_BYTES):
        return None
    try:
        header = json.loads(read(LENGTH_BYTES, length).decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict):
        return None
    header.pop("__metadata__", None)
    start = LENGTH_BYTES + length
    found: dict[str, Extent] = {}
    for name, entry in header.items():
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        # True is an int to Python and no offset to anybody.
        if (
            not isinstance(offsets, list)
            or [type(offset) for offset in offsets] != [int, int]
            or not 0 <= offsets[0] <= offsets[1] <= size - start
        ):
            return None
        found[name] = Extent(start + offsets[0], start + offsets[1])
    ordered = sorted(found.items(), key=lambda item: item[1])
    if any(before[1].end > after[1].start for before, after in pairwise(ordered)):
        return None
    kinds = {name: _kind(entry) for name, entry in header.items()}
    return Layout(start, dict(ordered), kinds)


def _kind(entry: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    shape = entry.get("shape")
    sizes = shape if isinstance(shape, list) and all(type(size) is int for size in shape) else []
    return str(entry.get("dtype", "")), tuple(sizes)
