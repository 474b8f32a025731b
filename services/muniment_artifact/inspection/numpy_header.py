"""NumPy arrays (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): arrays of objects are
pickles behind a header."""

from __future__ import annotations

import ast
from typing import BinaryIO

from muniment_artifact.inspection.report import MAX_COUNT, FileReport, Format, Tensors, shortened

MAGIC = b"\x93NUMPY"
MAX_HEADER = 64 * 1024


def read_numpy(source: BinaryIO) -> tuple[FileReport, bool]:
    """What the header tells, and whether a pickle follows, at which the source then is."""
    source.seek(0)
    try:
        header, holds_objects = _header(source)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        return FileReport(format=Format.NUMPY, fault=f"invalid header: {error}"), False
    return FileReport(format=Format.NUMPY, tensors=header), holds_objects


def _header(source: BinaryIO) -> tuple[Tensors, bool]:
    version = source.read(8)[6:]
    if version not in (b"\x01\x00", b"\x02\x00", b"\x03\x00"):
        raise ValueError("its version is not known")
    width = 2 if version[0] == 1 else 4
    length = int.from_bytes(source.read(width), "little")
    if length > MAX_HEADER:
        raise ValueError(f"its length is {length} bytes, while {MAX_HEADER} are the most that is read")
    text = source.read(length).decode("latin-1" if version[0] < 3 else "utf-8")
    members = ast.literal_eval(text.strip())
    if not isinstance(members, dict) or not {"descr", "shape", "fortran_order"} <= members.keys():
        raise ValueError("it lacks type or shape")
    elements = 1
    for extent in members["shape"]:
        if not isinstance(extent, int) or extent < 0:
            raise ValueError("its shape is none")
        elements = min(elements * extent, MAX_COUNT)
    descr = members["descr"]
    dtype = descr if isinstance(descr, str) else "record"
    return Tensors(count=1, parameters=elements, dtypes={shortened(dtype[:32]): elements}), _holds_objects(
        descr
    )


def _holds_objects(descr: object) -> bool:
    """Whether a type holds objects: the letter after the byte order tells, or one of its fields does."""
    if isinstance(descr, str):
        return descr.lstrip("<>|=").startswith("O")
    if not isinstance(descr, (list, tuple)):
        raise ValueError("its type is none")
    return any(_holds_objects(part) for part in descr if isinstance(part, (str, list, tuple)))
