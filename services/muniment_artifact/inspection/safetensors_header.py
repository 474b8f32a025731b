"""Safetensors: the header, which may lie.

The format (https://github.com/huggingface/safetensors#format): the length of the header in 8 bytes, little-endian;
the header, a JSON object of tensors with type, shape and place; the tensors, which tile the rest of the file in
order and without gap.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, BinaryIO

from muniment_artifact.inspection.report import MAX_COUNT, MAX_DTYPES, FileReport, Format, Tensors

MAX_HEADER = 32 * 1024 * 1024
"""The format allows 100 MB. 100,000 tensors take some 10 MB, and reading takes ten times as much memory."""

_METADATA = "__metadata__"
_BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64,
    "I64": 64, "U64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


class InvalidHeader(ValueError):
    """The header is not what the format asks for."""


def claims_safetensors(head: bytes) -> bool:
    """Whether a file that is no text means to be one: a length, and then an object."""
    return head[8:9] == b"{"


def read_safetensors(source: BinaryIO, head: bytes, size: int) -> FileReport:
    """What the header tells; a header that lies is told of as a fault."""
    try:
        return FileReport(format=Format.SAFETENSORS, tensors=_tensors(source, head, size))
    except InvalidHeader as error:
        return FileReport(format=Format.SAFETENSORS, fault=f"invalid header: {error}")
    except RecursionError:
        return FileReport(format=Format.SAFETENSORS, fault="invalid header: it is nested too deeply")


def _tensors(source: BinaryIO, head: bytes, size: int) -> Tensors:
    length = int.from_bytes(head[:8], "little")
    if length > size - 8:
        raise InvalidHeader(f"its length is {length} bytes, while {size - 8} follow")
    if length > MAX_HEADER:
        raise InvalidHeader(f"its length is {length} bytes, while {MAX_HEADER} are the most that is read")
    source.seek(8)
    try:
        header = json.loads(source.read(length), object_pairs_hook=_object)
    except ValueError as error:
        raise InvalidHeader(f"it is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise InvalidHeader("it is no object")
    metadata = header.pop(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise InvalidHeader(f"{_METADATA} is more than texts by name")
    dtypes: dict[str, int] = {}
    places = []
    for name, tensor in header.items():
        dtype, elements, begin, end = _tensor(name, tensor)
        dtypes[dtype] = dtypes.get(dtype, 0) + elements
        places.append((begin, end, name))
    _check_tiling(places, size - 8 - length)
    return Tensors(
        count=len(header), parameters=min(sum(dtypes.values()), MAX_COUNT), dtypes=_bounded(dtypes)
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidHeader("a name is there twice")
    return members


def _tensor(name: str, tensor: Any) -> tuple[str, int, int, int]:
    try:
        dtype, shape, (begin, end) = tensor["dtype"], tensor["shape"], tensor["data_offsets"]
    except (TypeError, KeyError, ValueError) as error:
        raise InvalidHeader(f"tensor {name[:80]!r} lacks type, shape or offsets") from error
    if not isinstance(dtype, str) or dtype not in _BITS:
        raise InvalidHeader(f"tensor {name[:80]!r} has the unknown type {str(dtype)[:40]!r}")
    elements = 1
    if not isinstance(shape, list) or not all(map(_is_natural, shape)):
        raise InvalidHeader(f"tensor {name[:80]!r} has no proper shape")
    for extent in shape:
        elements = min(elements * extent, MAX_COUNT)
    if not _is_natural(begin) or not _is_natural(end) or end < begin:
        raise InvalidHeader(f"tensor {name[:80]!r} has no proper offsets")
    if elements * _BITS[dtype] != 8 * (end - begin):
        raise InvalidHeader(
            f"tensor {name[:80]!r} has {end - begin} bytes, which its type and shape contradict"
        )
    return dtype, elements, begin, end


def _check_tiling(places: list[tuple[int, int, str]], room: int) -> None:
    places.sort()
    for (_, end, name), (begin, _, other) in pairwise([(0, 0, ""), *places]):
        if begin < end:
            raise InvalidHeader(f"tensors {name[:80]!r} and {other[:80]!r} overlap")
        if begin > end:
            raise InvalidHeader(f"nothing is said of {begin - end} bytes before tensor {other[:80]!r}")
    last = places[-1][1] if places else 0
    if last > room:
        raise InvalidHeader(f"tensor {places[-1][2][:80]!r} ends at byte {last}, while there are {room}")
    if last < room:
        raise InvalidHeader(f"nothing is said of the last {room - last} bytes")


def _is_natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT


def _bounded(dtypes: dict[str, int]) -> dict[str, int]:
    return {name: min(count, MAX_COUNT) for name, count in sorted(dtypes.items())[:MAX_DTYPES]}
