"""What is inside of zip archives, tar archives and compressed streams, found without unpacking to anywhere."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from muniment_artifact.inspection.bounded import Budget, counted, part
from muniment_artifact.inspection.report import Format

MAX_MEMBERS = 100_000
BOMB_BYTES = 1024 * 1024 * 1024
BOMB_RATIO = 100
"""Weights that are all zero shrink a hundredfold as well, but not to a gigabyte and more."""
SMALL_MEMBER = 32 * 1024 * 1024
"""Members up to this size are unpacked at once; of larger ones only as much as is looked at."""
_HEADER_BYTES = 30
_LENGTHS = struct.Struct("<HH")
MAX_TAIL = 65_557
"""Where the end of a zip archive is looked for: its longest comment and the record itself."""

UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    OSError,
    zlib.error,
    struct.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    UnicodeError,
)
"""What the standard library raises over broken archives."""


class CannotUnpack(ValueError):
    """The archive cannot be looked into, for a reason of its own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside of an archive.

    Attributes:
        size: unpacked.
        is_near: whether its end is as quickly read as its beginning.
    """

    name: str
    stream: BinaryIO
    size: int
    is_near: bool


def has_zip_end(source: BinaryIO, size: int) -> bool:
    """Whether a zip archive ends where the file does, whatever it begins with."""
    source.seek(max(0, size - MAX_TAIL))
    return b"PK\x05\x06" in source.read(MAX_TAIL)


def open_zip(source: BinaryIO, size: int) -> zipfile.ZipFile:
    """The archive, when its directory can be read and does not promise absurd things.

    Raises:
        CannotUnpack: if it is a bomb, encrypted or has too many members.
        BadZipFile and others of :data:`UNREADABLE`: if it is broken.
    """
    source.seek(0)
    archive = zipfile.ZipFile(source)
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise CannotUnpack(f"it has {len(infos)} members, while {MAX_MEMBERS} are the most")
    unpacked = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if packed > size:
        raise CannotUnpack(f"its members overlap: they have {packed} bytes, in a file of {size}")
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * packed:
        raise CannotUnpack(f"it is a bomb: {packed} bytes that unpack to {unpacked}")
    return archive


def zip_members(source: BinaryIO, archive: zipfile.ZipFile, budget: Budget) -> Iterator[Member | str]:
    """Every member, also of two with one name; of one that is encrypted only the name."""
    for info in archive.infolist():
        if info.is_dir():
            continue
        if info.flag_bits & 0x1:
            yield info.filename
            continue
        size = info.file_size
        with archive.open(info) as opened:
            if info.compress_type == zipfile.ZIP_STORED:
                # Tensors of gigabytes: they are not read to their end only to look at it.
                yield Member(info.filename, part(source, _data_of(source, info), size), size, is_near=True)
            elif size <= SMALL_MEMBER:
                budget.spend(size)
                yield Member(info.filename, io.BytesIO(opened.read()), size, is_near=True)
            else:
                stream = counted(cast("BinaryIO", opened), budget, size)
                yield Member(info.filename, stream, size, is_near=False)


def _data_of(source: BinaryIO, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: after its own header, name and extra field."""
    source.seek(info.header_offset)
    name, extra = _LENGTHS.unpack_from(source.read(_HEADER_BYTES), _HEADER_BYTES - _LENGTHS.size)
    return int(info.header_offset + _HEADER_BYTES + name + extra)


def zip_format(archive: zipfile.ZipFile) -> Format:
    """What the names of its members make of an archive."""
    names = set(archive.namelist())
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return Format.PYTORCH
    if {"config.json", "model.weights.h5"} <= names:
        return Format.KERAS
    if names and all(name.endswith(".npy") for name in names):
        return Format.NUMPY
    return Format.ZIP


def tar_members(source: BinaryIO) -> Iterator[Member]:
    """The files of a tar archive that is not compressed.

    Raises:
        CannotUnpack: if there are too many.
    """
    source.seek(0)
    with tarfile.open(fileobj=source, mode="r:") as archive:
        for count, info in enumerate(archive):
            if count >= MAX_MEMBERS:
                raise CannotUnpack(f"it has more than {MAX_MEMBERS} members")
            if info.issparse():
                raise CannotUnpack("a member of it is sparse")
            if info.isfile():
                yield Member(info.name, part(source, info.offset_data, info.size), info.size, is_near=True)


def unpacked(source: BinaryIO, head: bytes) -> BinaryIO:
    """What a compressed stream unpacks to."""
    source.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast("BinaryIO", gzip.GzipFile(fileobj=source))
    if head.startswith(b"BZh"):
        return cast("BinaryIO", bz2.BZ2File(source))
    if head[:1] == b"\x78":
        return cast("BinaryIO", io.BufferedReader(_Zlib(source)))
    return cast("BinaryIO", lzma.LZMAFile(source))


class _Zlib(io.RawIOBase):
    """What a zlib stream unpacks to; going back begins anew."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._begin()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._next(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        target = offset if whence == io.SEEK_SET else self._position + offset
        if target < self._position:
            self._begin()
        while self._position < target and self._next(min(target - self._position, 1024 * 1024)):
            pass
        return self._position

    def tell(self) -> int:
        return self._position

    def _begin(self) -> None:
        self._source.seek(0)
        self._inflater = zlib.decompressobj()
        self._position = 0

    def _next(self, size: int) -> bytes:
        while not self._inflater.eof:
            packed = self._inflater.unconsumed_tail or self._source.read(64 * 1024)
            data = self._inflater.decompress(packed, size)
            self._position += len(data)
            if data:
                return data
            if not packed:
                raise EOFError("the compressed stream ends before its end")
        return b""
