"""What files may do to who loads them."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from collections import OrderedDict
from pathlib import Path

import joblib
import numpy as np
import pytest
from muniment_artifact.inspection.bounded import Budget
from muniment_artifact.inspection.judge import judge
from muniment_artifact.inspection.pickle_reading import TORCH_MAGIC
from muniment_artifact.inspection.report import FileReport, Format, Verdict
from samples import model_files as make

HARMFUL = make.harmful_pickle()
NOISE = random.Random(1).randbytes(900_000)
OBJECTS = np.array([make.Harmful()], dtype=object)


def judged(data: bytes) -> FileReport:
    return judge(io.BytesIO(data), len(data))


@pytest.mark.parametrize(
    "data",
    [
        HARMFUL,
        make.harmful_pickle(0),
        make.harmful_pickle(2),
        make.pickled({"weights": [1.0] * 1000}) + HARMFUL,
        make.pickled({"weights": bytes(1_000_000), "after": make.Harmful()}),
        HARMFUL[:-1],
        HARMFUL[:-1] + b"\xff",
        make.pickled({"weights": [1.0]}) + make.harmful_pickle(0),
        make.pickled(TORCH_MAGIC) + make.harmful_pickle(0) + make.pickled(1) * 3 + bytes(100),
        b"L119547037146038801333356L\n." + make.pickled(1001) + make.harmful_pickle(0) + make.pickled(1) * 2,
        make.pytorch_file(HARMFUL),
        make.pytorch_file(make.pickled({}), storage=HARMFUL),
        make.zipped({"deep/inner.zip": make.zipped({"x": HARMFUL})}),
        make.tarred({"x": HARMFUL}),
        gzip.compress(gzip.compress(HARMFUL)),
        zlib.compress(HARMFUL),
        make.numpy_file(OBJECTS),
        make.numpy_archive(fine=np.zeros(3), bad=OBJECTS),
        make.joblib_file(OBJECTS),
        make.joblib_file([np.arange(1000.0), make.Harmful()]),
        make.joblib_file([np.arange(1000.0), make.Harmful()], compress=3),
        make.joblib_file([np.array(["a", "b"]), OBJECTS, np.zeros((2, 0))]),
        b"\x7fELF" + bytes(100) + make.zipped({"x": HARMFUL}),
        make.safetensors({"a": ("U8", [4], 4)}) + make.zipped({"x": HARMFUL}),
    ],
    ids=range(24),
)
def test_code_that_does_harm_is_found_wherever_it_is(data: bytes) -> None:
    report = judged(data)
    assert report.verdict is Verdict.MALICIOUS
    assert report.scanned
    scanners = {finding.scanner.split()[0] for finding in report.findings}
    assert scanners >= {"picklescan", "fickling"}


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    harmful = make.Harmful(str(mark))
    for data in (make.pickled(harmful), make.joblib_file([np.zeros(3), harmful])):
        assert judged(data).verdict is Verdict.MALICIOUS
    assert not mark.exists()
    joblib.load(io.BytesIO(make.joblib_file(harmful)))
    assert mark.exists(), "the sample does what it is judged for"


@pytest.mark.parametrize(
    "data",
    [
        make.pickled(OrderedDict(a=1)),
        make.pickled({"array": np.zeros(3)}),
        make.joblib_file({"array": np.arange(30.0).reshape(5, 6), "words": np.array(["a", "bc"])}),
        make.keras_file("Lambda"),
        make.keras_file("__lambda__"),
        make.hdf5(b'{"layers": [{"class_name": "Lambda"}]}'),
        make.hdf5(b'{"layers": [{"class\\u005fname" :  "L\\u0061mbda"}]}'),
        b"\x7fELF" + bytes(100),
        b"MZ\x90\x00" + bytes(100) + b"PE\x00\x00",
    ],
    ids=range(9),
)
def test_what_may_be_harmless_is_suspicious_and_never_clean(data: bytes) -> None:
    assert judged(data).verdict is Verdict.SUSPICIOUS


def test_a_file_of_old_pytorch_is_its_five_pickles_and_then_tensors() -> None:
    plain = [
        make.pickled(value, protocol=2) for value in (TORCH_MAGIC, 1001, {"little_endian": True}, {}, [])
    ]
    report = judged(b"".join(plain) + bytes(range(256)))
    assert (report.format, report.fault, report.verdict) == (Format.PICKLE, "", Verdict.CLEAN)
    assert judged(b"".join(plain[:3])).verdict is Verdict.UNSCANNABLE


def test_the_worst_scanner_counts() -> None:
    # An array of NumPy: fine for picklescan, which knows the names, and not for fickling, which knows them not.
    report = judged(make.pickled(np.zeros(3)))
    assert {finding.scanner.split()[0] for finding in report.findings} == {"fickling"}
    assert report.verdict is Verdict.SUSPICIOUS


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (make.pickled({"a": 1})[:-1], "ends before its end"),
        (make.pickled({"a": "x" * 1000})[:500], "ends before its end"),
        (b"\x80\x04" + bytes(100), "no opcode"),
        (make.encrypted_zip({"archive/data.pkl": make.pickled({})}), "is encrypted"),
        (make.zip_bomb(), "bomb"),
        (make.zipped({"a": b"text"})[:-10], "broken"),
        (gzip.compress(bytes(1000))[:-9], "cannot be unpacked"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "cannot be looked into"),
        (b"\x28\xb5\x2f\xfd" + bytes(100), "cannot be looked into"),
        (b"\x80\x04\x8f" + b"B\xff\xff\xff\xff", "ends before its end"),
    ],
    ids=range(10),
)
def test_what_nobody_can_look_into_is_unscannable_with_the_reason(data: bytes, why: str) -> None:
    report = judged(data)
    assert report.verdict is Verdict.UNSCANNABLE
    assert any(why in text for text in (report.fault, *(finding.what for finding in report.findings)))


class Spending(Budget):
    """A budget of which is known what was spent."""

    spent = 0

    def spend(self, size: int) -> None:
        self.spent += size
        super().spend(size)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(bytes(20_000_000)), "it is a bomb: it goes on unpacking"),
        (gzip.compress(bytes(1_000_000)) * 20, "it is a bomb: it goes on unpacking"),
        (zlib.compress(bytes(20_000_000)), "it is a bomb: it goes on unpacking"),
        (make.zipped({"x.gz": gzip.compress(bytes(20_000_000))}), "it is a bomb: it goes on unpacking"),
        (make.zipped({"zeros": bytes(20_000_000)}), "it is a bomb: "),
        (make.overlapping_zip(NOISE[:200_000], 10), "its members overlap: they have 2000000 bytes"),
        (make.zipped({str(number): NOISE for number in range(10)}), "it unpacks to more than 3000000 bytes"),
        (gzip.compress(NOISE * 5), "it unpacks to more than 3000000 bytes"),
        (make.zipped({str(number): b"" for number in range(11)}), "it has 11 members, while 10 are the most"),
        (make.tarred({str(number): b"" for number in range(11)}), "it has more than 10 members"),
    ],
    ids=range(10),
)
def test_what_unpacks_to_more_than_anybody_should_wait_for_is_unscannable_and_not_unpacked_on(
    data: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Spending(3_000_000)
    monkeypatch.setattr("muniment_artifact.inspection.judge.Budget", lambda: budget)
    monkeypatch.setattr("muniment_artifact.inspection.archives.BOMB_BYTES", 1_000_000)
    monkeypatch.setattr("muniment_artifact.inspection.archives.MAX_MEMBERS", 10)
    report = judged(data)
    assert report.verdict is Verdict.UNSCANNABLE
    assert any(why in text for text in (report.fault, *(finding.what for finding in report.findings)))
    assert budget.spent < 4_100_000


def test_archives_that_are_nested_without_end_are_unscannable() -> None:
    data = b"text"
    for _ in range(10):
        data = make.zipped({"x.zip": data})
    assert judged(data).verdict is Verdict.UNSCANNABLE


def test_a_pickle_that_unfolds_without_end_is_not_clean() -> None:
    laughs = b"\x80\x02]q\x00"
    for level in range(100):
        laughs += b"](" + b"h" + bytes([level]) + (b"h" + bytes([level])) * 99 + b"eq" + bytes([level + 1])
    assert judged(laughs + b".").verdict.severity >= Verdict.SUSPICIOUS.severity


def test_opcodes_hidden_in_the_array_of_a_joblib_file_are_found() -> None:
    """joblib skips the bytes of arrays; whoever loads the file with pickle runs them."""

    def text(value: str) -> bytes:
        return b"\x8c" + bytes([len(value)]) + value.encode()

    def imported(module: str, name: str) -> bytes:
        return text(module) + text(name) + b"\x93"

    hidden = b"0" + imported("posix", "system") + text("true") + b"\x85R."
    dtype = imported("numpy", "dtype") + text("u1") + b"\x89\x88\x87R"
    members = text("shape") + b"K" + bytes([len(hidden)]) + b"\x85" + text("dtype") + dtype
    wrapper = imported("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81}(" + members + b"ub"
    harmless = judged(b"\x80\x04" + wrapper + bytes(len(hidden)) + b".")
    assert (harmless.verdict, harmless.fault) == (Verdict.SUSPICIOUS, "")
    assert judged(b"\x80\x04" + wrapper + hidden + b".").verdict is Verdict.MALICIOUS


def test_findings_are_few_short_and_printable() -> None:
    names = "".join(f"cmodule{number}\x1b[31m\nname{'n' * 500}\n0" for number in range(200)).encode()
    report = judged(b"\x80\x02" + names + b"N.")
    assert 0 < len(report.findings) <= 50
    for finding in report.findings:
        assert len(finding.what) <= 300
        assert finding.what.isprintable()


def test_a_pickle_of_an_old_protocol_is_found_whatever_its_name_and_first_letter() -> None:
    report = judged(make.harmful_pickle(0))
    assert report.format is Format.PICKLE
    assert report.verdict is Verdict.MALICIOUS
