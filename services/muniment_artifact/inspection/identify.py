"""What a file is by its first bytes; its name is for people."""

from __future__ import annotations

import codecs
import zlib

from muniment_artifact.inspection.numpy_header import MAGIC as NUMPY_MAGIC
from muniment_artifact.inspection.report import Format
from muniment_artifact.inspection.safetensors_header import claims_safetensors

HEAD_BYTES = 4_096
MAX_PICKLE_PROTOCOL = 5

_MAGICS = (
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),
    (NUMPY_MAGIC, Format.NUMPY),
    (b"GGUF", Format.GGUF),
    (b"\x89HDF\r\n\x1a\n", Format.HDF5),
    (b"\x1f\x8b", Format.COMPRESSED),
    (b"\xfd7zXZ\x00", Format.COMPRESSED),
    (b"7z\xbc\xaf\x27\x1c", Format.ARCHIVE),
    (b"Rar!\x1a\x07", Format.ARCHIVE),
    (b"\x28\xb5\x2f\xfd", Format.ARCHIVE),
    (b"\x04\x22\x4d\x18", Format.ARCHIVE),
    (b"\x7fELF", Format.PROGRAM),
    (b"\xcf\xfa\xed\xfe", Format.PROGRAM),
    (b"\xca\xfe\xba\xbe", Format.PROGRAM),
)
_ZLIB = frozenset({b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"})
_TEXT_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}


def identify(head: bytes, size: int) -> Format:
    """The format that the first bytes of a file claim.

    Args:
        head: the first :data:`HEAD_BYTES` of it, or all.
        size: of the file.
    """
    if not size:
        return Format.EMPTY
    if head[:1] == b"\x80" and len(head) > 1 and head[1] <= MAX_PICKLE_PROTOCOL:
        return Format.PICKLE
    for magic, found in _MAGICS:
        if head.startswith(magic):
            return found
    text = _text_format(head, size)
    if text is None and _is_compressed(head):
        return Format.COMPRESSED
    if head[:2] == b"MZ" and b"PE\x00\x00" in head:
        return Format.PROGRAM
    if head[257:262] == b"ustar":
        return Format.TAR
    if head[1:4] == b"\r\r\n":  # CPython's mark of compiled code, whatever its version
        return Format.PROGRAM
    if text is None and claims_safetensors(head):
        return Format.SAFETENSORS
    if text is not None:
        return text
    return Format.ONNX if _claims_onnx(head) else Format.UNKNOWN


def _is_compressed(head: bytes) -> bool:
    """Whether a file without a mark of its own is bzip2, zlib, or the LZMA that joblib writes."""
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return True
    if head[:3] == b"\x5d\x00\x00" and head[5:13] == b"\xff" * 8:
        return True
    try:
        return head[:2] in _ZLIB and bool(zlib.decompressobj().decompress(head, 1))
    except zlib.error:
        return False


def _text_format(head: bytes, size: int) -> Format | None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) == size)
    except UnicodeDecodeError:
        return None
    if any(ord(character) in _TEXT_CONTROLS for character in text):
        return None
    return Format.JSON if text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[") else Format.TEXT


def _claims_onnx(head: bytes) -> bool:
    """Whether a file begins as ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) is written.

    The format has no mark of its own: the version of the format (field 1, below 32 for years to come) comes
    first, then the producer's name (field 2) or the graph (7) or the operator sets (8).
    """
    return (
        len(head) > 4
        and head[0] == 0x08
        and 0 < head[1] < 32
        and head[2] in (0x12, 0x1A, 0x22, 0x28, 0x3A, 0x42)
    )
