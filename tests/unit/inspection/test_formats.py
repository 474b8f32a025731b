"""What files are by their bytes, and what their headers tell."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zlib

import numpy as np
import pytest
from muniment_artifact.inspection.judge import judge
from muniment_artifact.inspection.names import as_named
from muniment_artifact.inspection.report import FileReport, Format, Tensors, Verdict
from samples import model_files as make
from samples.model_files import safetensors, safetensors_of

WEIGHTS = safetensors({"a": ("BF16", [2, 3], 12), "b": ("F32", [4], 16), "none": ("F32", [0], 0)})


def judged(data: bytes) -> FileReport:
    return judge(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", Format.EMPTY),
        (WEIGHTS, Format.SAFETENSORS),
        (make.gguf({"w": [2, 3]}), Format.GGUF),
        (make.onnx(), Format.ONNX),
        (make.pickled({"a": [1, 2.5, "text"]}), Format.PICKLE),
        (make.pickled({"a": 1}, protocol=2), Format.PICKLE),
        (make.pytorch_file(make.pickled({})), Format.PYTORCH),
        (make.numpy_file(np.zeros(3)), Format.NUMPY),
        (make.numpy_archive(a=np.zeros(3)), Format.NUMPY),
        (make.hdf5(b""), Format.HDF5),
        (make.keras_file("Dense"), Format.KERAS),
        (make.zipped({"a": b"text"}), Format.ZIP),
        (make.tarred({"a": b"text"}), Format.TAR),
        (gzip.compress(b"text", mtime=0), Format.COMPRESSED),
        (bz2.compress(b"text"), Format.COMPRESSED),
        (lzma.compress(b"text"), Format.COMPRESSED),
        (lzma.compress(b"text", format=lzma.FORMAT_ALONE), Format.COMPRESSED),
        (zlib.compress(b"text"), Format.COMPRESSED),
        (b'{"layers": 12}', Format.JSON),
        (b'{"layers": 12', Format.TEXT),
        ("naïve text\n".encode(), Format.TEXT),
        (b"configuration\nparameters\nRead me first\n", Format.TEXT),
        (b"x^2 + y^2\n", Format.TEXT),
        (b"MZ is how it begins\n", Format.TEXT),
        (b"BZh9 as well\n", Format.TEXT),
        (b"x\x9c" + bytes(100), Format.UNKNOWN),
        (b"\x5d\x00\x00" + bytes(100), Format.UNKNOWN),
        (bytes(range(256)), Format.UNKNOWN),
        (b"\x00\x01\x02 PK", Format.UNKNOWN),
    ],
)
def test_a_file_is_what_its_bytes_are_and_clean_if_nothing_in_it_runs(data: bytes, found: Format) -> None:
    report = judged(data)
    assert (report.format, report.fault, report.findings) == (found, "", ())
    assert report.verdict is Verdict.CLEAN


def test_headers_tell_of_tensors_types_and_parameters() -> None:
    assert judged(WEIGHTS).tensors == Tensors(count=3, parameters=10, dtypes={"BF16": 6, "F32": 4})
    assert judged(make.gguf({"w": [2, 3], "v": [5]})).tensors == Tensors(
        count=2, parameters=11, dtypes={"F16": 11}
    )
    assert judged(make.numpy_file(np.zeros((3, 4), "f4"))).tensors == Tensors(
        count=1, parameters=12, dtypes={"<f4": 12}
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ((2**63).to_bytes(8, "little") + b'{"a": 1}', "length is 9223372036854775808 bytes"),
        (WEIGHTS[:20], "its length is"),
        (safetensors_of(b'{"a": [}'), "no JSON"),
        (safetensors_of(b'{"a":' + b"[" * 100_000), "nested too deeply"),
        (safetensors_of(b'{"a": {}}'), "lacks type, shape or offsets"),
        (safetensors_of(b'{"a": 1, "a": 2}'), "a name is there twice"),
        (WEIGHTS[:-1], "ends at byte 28, while there are 27"),
        (WEIGHTS + b"\x00", "nothing is said of the last 1 bytes"),
        (WEIGHTS.replace(b"BF16", b"QQ16"), "unknown type"),
        (WEIGHTS.replace(b"[2, 3]", b"[2, 4]"), "which its type and shape contradict"),
        (WEIGHTS.replace(b"[2, 3]", b"[-2,3]"), "no proper shape"),
        (WEIGHTS.replace(b"[12, 28]", b"[10, 26]"), "overlap"),
        (WEIGHTS.replace(b"[12, 28]", b"[13, 29]"), "nothing is said of 1 bytes"),
    ],
)
def test_a_header_of_safetensors_that_lies_is_told_of(data: bytes, why: str) -> None:
    report = judged(data)
    assert report.format is Format.SAFETENSORS
    assert report.tensors is None
    assert report.fault.startswith("invalid header: ")
    assert why in report.fault
    assert report.verdict is Verdict.UNSCANNABLE


def test_a_header_of_100_mb_is_not_read() -> None:
    source = Sparse(100_000_008, (100_000_000).to_bytes(8, "little") + b'{"a":')
    report = judge(source, source.size)
    assert "length is 100000000 bytes, while 33554432 are the most" in report.fault
    assert source.given < 1_000_000


@pytest.mark.parametrize("place", [4, 8, 20, 60])
def test_a_header_of_gguf_that_ends_or_lies_is_told_of(place: int) -> None:
    whole = make.gguf({"w": [2, 3]})
    for data in (whole[:place], whole[:place] + b"\xff" * 16 + whole[place:]):
        assert judged(data).fault.startswith("invalid header: ")


def test_names_that_promise_something_else_are_told_of() -> None:
    for path, data, found in (
        ("model.safetensors", b"\x00" * 100, "UNKNOWN"),
        ("deep/MODEL.SAFETENSORS", b"text", "TEXT"),
        ("model.gguf", WEIGHTS, "SAFETENSORS"),
    ):
        named = as_named(judged(data), path)
        assert named.fault.endswith(f"its bytes are {found}")
        assert named.verdict is Verdict.UNSCANNABLE
    assert as_named(judged(WEIGHTS), "model.safetensors").fault == ""
    assert as_named(judged(WEIGHTS), "weights.bin").fault == ""


def test_reports_survive_the_way_through_json_and_nothing_else_is_a_report() -> None:
    report = judged(make.pytorch_file(make.harmful_pickle()))
    assert FileReport.from_json(report.to_json()) == report
    for broken in ("[]", "{}", "nonsense", json.dumps({**json.loads(report.to_json()), "format": "PIE"})):
        with pytest.raises(ValueError, match="no report"):
            FileReport.from_json(broken)


class Sparse(io.RawIOBase):
    """A large file that is mostly zeros, and counts what is read of it."""

    def __init__(self, size: int, head: bytes) -> None:
        self.size = size
        self.given = 0
        self._head = head
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        start = self._position
        end = self.size if size < 0 else min(start + size, self.size)
        data = self._head[start:end].ljust(max(0, end - start), b"\x00")
        self._position, self.given = start + len(data), self.given + len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position
