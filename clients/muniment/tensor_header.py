"""Reading the header of a safetensors file, which may lie, for those who push and those who keep such a file.

The format (https://github.com/huggingface/safetensors, README, "Format"): 8 bytes, little-endian, with the length
of a JSON object; that object, which names for each tensor its type, shape and ``data_offsets``, first byte and end
within what follows; then the bytes of the tensors.

It says itself how much memory reading it takes. So its length is looked at before it is read, and what it would
become as Python objects is counted before it is parsed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeGuard

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 16 * 1024 * 1024
"""The format allows 100 MB; 100,000 tensors with long names take some 12 MB."""

MAX_TENSORS = 131_072
_MAX_BRACKETS = 4 * MAX_TENSORS
_MAX_COMMAS = 16 * MAX_TENSORS
"""A tensor has three pairs of brackets and about eight commas. What JSON becomes in memory follows from their
number: a header of empty lists would take thirty times its size."""

_MAX_DIMENSION = 2**63 - 1
_METADATA = "__metadata__"


class UntrueHeader(ValueError):
    """A header cannot be read, or cannot be true; the text says why."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor, as the header tells of it.

    Attributes:
        start: of its bytes in the file.
        end: first byte after them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def header_length(beginning: bytes, size: int) -> int:
    """How long the header is that follows the first bytes of a file.

    Raises:
        UntrueHeader: if it cannot be so long, or may not.
    """
    if size < LENGTH_BYTES:
        raise UntrueHeader(f"the file has {size} bytes, while its header begins with {LENGTH_BYTES}")
    length = int.from_bytes(beginning[:LENGTH_BYTES], "little")
    if length > size - LENGTH_BYTES:
        raise UntrueHeader(f"it claims {length} bytes, while {size - LENGTH_BYTES} follow")
    if length > MAX_HEADER_BYTES:
        raise UntrueHeader(f"it has {length} bytes, while {MAX_HEADER_BYTES} are the most that is read")
    return length


def read_header(header: bytes, size: int) -> tuple[StoredTensor, ...]:
    """The tensors of a file of ``size`` bytes, in the order of their bytes.

    Raises:
        UntrueHeader: if the header is no JSON of this format, or tensors lie outside of the file or overlap.
    """
    if header.count(b"{") + header.count(b"[") > _MAX_BRACKETS or header.count(b",") > _MAX_COMMAS:
        raise UntrueHeader(f"it is of more than {MAX_TENSORS} tensors")
    try:
        found = json.loads(header.decode("utf-8"), object_pairs_hook=_Members)
    except (ValueError, RecursionError) as error:
        raise UntrueHeader("it is no JSON") from error
    if not isinstance(found, _Members):
        raise UntrueHeader("it is no JSON object")
    start = LENGTH_BYTES + len(header)
    tensors = [
        _tensor(name, entry, start=start, size=size) for name, entry in found.pairs if name != _METADATA
    ]
    _check_names([name for name, _ in found.pairs])
    tensors.sort(key=lambda tensor: (tensor.start, tensor.end, tensor.name))
    for before, after in pairwise(tensors):
        if before.end > after.start:
            raise UntrueHeader(f"tensors {before.name[:80]!r} and {after.name[:80]!r} overlap")
    return tuple(tensors)


@dataclass(slots=True)
class _Members:
    """A JSON object as it was written: a dictionary would keep the last of two members of one name."""

    pairs: list[tuple[str, Any]]


def _tensor(name: str, entry: Any, *, start: int, size: int) -> StoredTensor:
    members = dict(entry.pairs) if isinstance(entry, _Members) else {}
    if isinstance(entry, _Members) and len(members) != len(entry.pairs):
        raise UntrueHeader(f"tensor {name[:80]!r} has a member twice")
    dtype, shape, offsets = (members.get(member) for member in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise UntrueHeader(f"tensor {name[:80]!r} lacks a proper dtype, shape or data_offsets")
    if not offsets[0] <= offsets[1] <= size - start:
        raise UntrueHeader(f"tensor {name[:80]!r} is bytes {offsets[0]} to {offsets[1]} of {size - start}")
    return StoredTensor(name, dtype, tuple(shape), start + offsets[0], start + offsets[1])


def _check_names(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise UntrueHeader("it names a tensor twice")


def _are_sizes(value: Any) -> TypeGuard[list[int]]:
    # True is an int to Python and no size to anybody.
    return isinstance(value, list) and all(
        type(size) is int and 0 <= size <= _MAX_DIMENSION for size in value
    )
