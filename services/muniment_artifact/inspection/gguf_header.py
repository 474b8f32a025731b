"""GGUF (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): counts, then values by key, then tensors."""

from __future__ import annotations

import struct
from typing import BinaryIO

from muniment_artifact.inspection.report import MAX_COUNT, FileReport, Format, Tensors

MAX_TENSORS = 100_000
MAX_KEYS = 100_000
MAX_HEADER = 128 * 1024 * 1024
"""Vocabularies of some hundred thousand words are in it."""

_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K",
    12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
    20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64",
    29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
}  # fmt: skip
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_STRING, _ARRAY = 8, 9


class InvalidHeader(ValueError):
    """The header is not what the format asks for."""


def read_gguf(source: BinaryIO, size: int) -> FileReport:
    """What the header tells of tensors."""
    try:
        return FileReport(format=Format.GGUF, tensors=_Header(source, size).read())
    except InvalidHeader as error:
        return FileReport(format=Format.GGUF, fault=f"invalid header: {error}")


class _Header:
    def __init__(self, source: BinaryIO, size: int) -> None:
        self._source = source
        self._end = min(size, MAX_HEADER)
        source.seek(4)

    def read(self) -> Tensors:
        version = self._number("<I")
        if version not in (2, 3):
            raise InvalidHeader(f"version {version} is not known")
        tensors, keys = self._number("<Q"), self._number("<Q")
        if tensors > MAX_TENSORS or keys > MAX_KEYS:
            raise InvalidHeader(f"it tells of {tensors} tensors and {keys} keys")
        for _ in range(keys):
            self._skip(self._number("<Q"))
            self._value(self._number("<I"))
        dtypes: dict[str, int] = {}
        for _ in range(tensors):
            name, elements = self._tensor()
            dtypes[name] = min(dtypes.get(name, 0) + elements, MAX_COUNT)
        return Tensors(count=tensors, parameters=min(sum(dtypes.values()), MAX_COUNT), dtypes=dtypes)

    def _tensor(self) -> tuple[str, int]:
        self._skip(self._number("<Q"))
        dimensions = self._number("<I")
        if dimensions > 8:
            raise InvalidHeader(f"a tensor has {dimensions} dimensions")
        elements = 1
        for _ in range(dimensions):
            elements = min(elements * self._number("<Q"), MAX_COUNT)
        kind = self._number("<I")
        self._number("<Q")
        return _TYPES.get(kind, f"type {kind}"), elements

    def _value(self, kind: int) -> None:
        if kind == _STRING:
            self._skip(self._number("<Q"))
        elif kind == _ARRAY:
            inner, count = self._number("<I"), self._number("<Q")
            if inner in _WIDTHS:
                self._skip(count * _WIDTHS[inner])
            elif inner == _STRING:
                # Each step takes at least eight bytes of the header, which is bounded.
                for _ in range(count):
                    self._skip(self._number("<Q"))
            else:
                raise InvalidHeader(f"a list is of type {inner}")
        elif kind in _WIDTHS:
            self._skip(_WIDTHS[kind])
        else:
            raise InvalidHeader(f"a value is of type {kind}")

    def _number(self, form: str) -> int:
        width = struct.calcsize(form)
        data = self._source.read(width)
        if len(data) != width:
            raise InvalidHeader("the file ends in it")
        return int(struct.unpack(form, data)[0])

    def _skip(self, size: int) -> None:
        place = self._source.tell() + size
        if place > self._end:
            raise InvalidHeader(f"it reaches past byte {self._end}")
        self._source.seek(place)
