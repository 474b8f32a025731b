"""Small files of every format; nothing here does any harm that is not loaded."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import joblib
import numpy as np


class Harmful:
    """Makes a directory when it is unpickled, by which a test can tell whether anybody did."""

    def __init__(self, mark: str = "/nonexistent/mark") -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self._mark,)


def harmful_pickle(protocol: int = 4) -> bytes:
    """A pickle that calls ``os.system``; written by hand, since pickling it needs nobody who could run it."""
    if protocol == 0:
        return b"cos\nsystem\n(S'true'\ntR."
    return b"\x80" + bytes([protocol]) + b"cposix\nsystem\n" + b"X\x04\x00\x00\x00true\x85R."


def safetensors(tensors: Mapping[str, tuple[str, list[int], int]], *, trailing: bytes = b"") -> bytes:
    """A file of tensors, given as type, shape and size in bytes."""
    header: dict[str, Any] = {}
    position = 0
    for name, (dtype, shape, size) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size]}
        position += size
    return safetensors_of(json.dumps(header).encode(), bytes(position) + trailing)


def safetensors_of(header: bytes, data: bytes = b"") -> bytes:
    """A file with this header, whatever it says."""
    return struct.pack("<Q", len(header)) + header + data


def gguf(tensors: Mapping[str, list[int]], *, version: int = 3) -> bytes:
    """A file of F16 tensors with a key of each kind."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    keys = text("general.name") + struct.pack("<I", 8) + text("small")
    keys += text("words") + struct.pack("<IIQ", 9, 8, 2) + text("a") + text("b")
    keys += text("lengths") + struct.pack("<IIQ", 9, 4, 3) + bytes(12)
    keys += text("scale") + struct.pack("<If", 6, 0.5)
    parts = [b"GGUF", struct.pack("<IQQ", version, len(tensors), 4), keys]
    for name, shape in tensors.items():
        parts += [text(name), struct.pack("<I", len(shape)), struct.pack(f"<{len(shape)}Q", *shape)]
        parts.append(struct.pack("<IQ", 1, 0))
    return b"".join(parts)


def zipped(members: Mapping[str, bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def encrypted_zip(members: Mapping[str, bytes]) -> bytes:
    """A zip archive whose members say that they are encrypted, as a password makes them say."""
    data = bytearray(zipped(members, compression=zipfile.ZIP_STORED))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + place] |= 1
    return bytes(data)


def zip_bomb() -> bytes:
    """A zip archive of a few kilobytes whose directory promises four gigabytes."""
    data = bytearray(zipped({"zeros": bytes(4_000_000)}))
    start = data.index(b"PK\x01\x02")
    data[start + 24 : start + 28] = struct.pack("<I", 0xFFFFFFF0)
    return bytes(data)


def overlapping_zip(data: bytes, members: int) -> bytes:
    """A zip archive whose directory has so many members, all of which are the same bytes."""
    archive = zipped({"00": data}, compression=zipfile.ZIP_STORED)
    start, end = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    name = start + 46
    records = [
        archive[start:name] + f"{number:02d}".encode() + archive[name + 2 : end] for number in range(members)
    ]
    directory = b"".join(records)
    tail = (
        archive[end : end + 8] + struct.pack("<HHI", members, members, len(directory)) + archive[end + 16 :]
    )
    return archive[:start] + directory + tail


def tarred(members: Mapping[str, bytes]) -> bytes:
    """A tar archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def numpy_file(array: Any) -> bytes:
    """An ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def numpy_archive(**arrays: Any) -> bytes:
    """An ``.npz`` file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def joblib_file(value: Any, *, compress: Any = 0) -> bytes:
    """A file of joblib."""
    buffer = io.BytesIO()
    joblib.dump(value, buffer, compress=compress)
    return buffer.getvalue()


def pytorch_file(value: bytes, *, storage: bytes = bytes(64)) -> bytes:
    """A zip archive as PyTorch writes it, around a pickle."""
    members = {"archive/data.pkl": value, "archive/data/0": storage, "archive/version": b"3\n"}
    return zipped(members, compression=zipfile.ZIP_STORED)


def keras_file(class_name: str) -> bytes:
    """A ``.keras`` file with a layer of a class."""
    config = {"class_name": "Sequential", "config": {"layers": [{"class_name": class_name, "config": {}}]}}
    return zipped(
        {"config.json": json.dumps(config).encode(), "metadata.json": b"{}", "model.weights.h5": hdf5(b"")}
    )


def hdf5(text: bytes) -> bytes:
    """The signature of an HDF5 file, and a text somewhere in it."""
    return b"\x89HDF\r\n\x1a\n" + bytes(3_000_000) + text + bytes(100)


def onnx() -> bytes:
    """The beginning of a ModelProto: version of the format, producer, a graph."""
    return b"\x08\x09\x12\x04test\x3a\x02\x0a\x00\x42\x04\x0a\x00\x10\x12"


def pickled(value: Any, protocol: int = 4) -> bytes:
    """A pickle."""
    return pickle.dumps(value, protocol=protocol)
