"""The process in which files are looked at: what it cannot do, and what becomes of a file it fails over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from muniment.digests import Digest
from muniment_artifact.blobs.memory import MemoryBlobStore
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.inspection import exchange
from muniment_artifact.inspection.report import FileReport, Format, Verdict
from muniment_artifact.inspection.runner import FileBytes, Worker, WorkerEnded, WorkerLimits
from muniment_core.db.artifact_store import Chunk
from muniment_core.domain.errors import BytesDamaged
from samples import model_files as make

SLOW = b"\x80\x02" + b"N0" * 1_400_000 + b"N."
"""A pickle over which the scanners think for more than a second."""


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker of the usual limits."""
    with working(WorkerLimits()) as made:
        yield made


@contextmanager
def working(limits: WorkerLimits) -> Iterator[Worker]:
    made = Worker(limits)
    try:
        yield made
    finally:
        made.release()


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, length: data[offset : offset + length]


def judged(worker: Worker, data: bytes) -> FileReport:
    return worker.judge(reading(data), len(data))


def test_one_worker_judges_file_after_file(worker: Worker) -> None:
    assert judged(worker, b"text").format is Format.TEXT
    assert judged(worker, make.pytorch_file(make.harmful_pickle())).verdict is Verdict.MALICIOUS
    assert judged(worker, make.joblib_file([1, 2], compress=("lzma", 3))).format is Format.COMPRESSED
    assert judged(worker, b"").format is Format.EMPTY
    assert judged(worker, make.safetensors({"a": ("F32", [3], 12)})).verdict is Verdict.CLEAN


def test_of_a_large_file_only_what_tells_is_read(worker: Worker) -> None:
    head = make.safetensors({"a": ("F32", [3], 12)})[:-12]
    size = 10_000_000_000
    header = json.dumps({"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    head = len(header).to_bytes(8, "little") + header
    given = 0

    def read(offset: int, length: int) -> bytes:
        nonlocal given
        given += length
        return head[offset : offset + length].ljust(length, b"\x00")

    report = worker.judge(read, len(head) + size)
    assert report.fault == ""
    assert report.tensors is not None
    assert report.tensors.parameters == size
    assert given < 2_000_000


def test_a_header_that_takes_too_much_memory_is_a_verdict_and_the_next_file_is_judged() -> None:
    with working(WorkerLimits(memory_bytes=250_000_000)) as worker:
        many = b'{"a":[' + b"{}," * 5_000_000 + b"{}]}"
        report = judged(worker, make.safetensors_of(many))
        assert report.verdict is Verdict.UNSCANNABLE
        assert "memory" in report.fault
        assert judged(worker, b"text").format is Format.TEXT


def test_a_file_that_takes_too_much_processor_time_is_a_verdict_and_the_next_one_is_judged() -> None:
    with working(WorkerLimits(cpu_seconds=1)) as worker:
        report = judged(worker, SLOW)
        assert report.verdict is Verdict.UNSCANNABLE
        assert report.fault == "looking into it takes longer than is given"
        assert judged(worker, b"text").format is Format.TEXT


def test_a_worker_that_does_not_answer_is_ended() -> None:
    with working(WorkerLimits(wait_seconds=0.2)) as worker:
        assert judged(worker, SLOW).fault == "looking into it takes longer than is given"


def test_a_worker_that_reads_without_end_is_ended() -> None:
    with working(WorkerLimits(rereads=-(10**9))) as worker:
        report = judged(worker, b"text")
        assert report.verdict is Verdict.UNSCANNABLE
        assert "failed" in report.fault


def test_a_worker_that_was_closed_starts_no_more(worker: Worker) -> None:
    worker.close()
    with pytest.raises(WorkerEnded):
        judged(worker, b"text")


def test_errors_of_the_store_pass_and_the_next_file_is_judged(worker: Worker) -> None:
    def read(offset: int, length: int) -> bytes:
        raise BytesDamaged("sha256:" + "0" * 64, "they are gone")

    with pytest.raises(BytesDamaged):
        worker.judge(read, 100)
    assert judged(worker, b"text").format is Format.TEXT


CONFINED = """
import os, resource, socket, subprocess, sys
from muniment_artifact.inspection.confine import confine
told = confine(1 << 30)
refused = []
for name, attempt in (
    ("read", lambda: open("/etc/passwd", "rb")),
    ("write", lambda: open("/tmp/written", "wb")),
    ("list", lambda: os.listdir("/")),
    ("socket", lambda: socket.socket()),
    ("pipe", lambda: os.pipe()),
    ("process", lambda: subprocess.run(["true"])),
    ("raise a limit", lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))),
    ("grow a file", lambda: os.write(1, b"x" * 10)),
):
    try:
        attempt()
    except (OSError, ValueError):
        refused.append(name)
print(told, refused, os.environ.get("SECRET"), file=sys.stderr)
"""


def test_the_worker_can_open_nothing_write_nothing_and_start_nothing(tmp_path: str) -> None:
    with open(os.path.join(tmp_path, "out"), "wb") as out:  # noqa: PTH118, PTH123
        done = subprocess.run(
            [sys.executable, "-I", "-c", CONFINED], stdout=out, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    for name in ("read", "write", "list", "socket", "pipe", "process", "raise a limit", "grow a file"):
        assert f"'{name}'" in done.stderr, done.stderr


def test_ranges_are_made_of_whole_verified_chunks() -> None:
    store = MemoryBlobStore()
    parts = [b"abc", b"defgh", b"i", b"jk"]
    chunks = [Chunk(put_blob(store, part), len(part)) for part in parts]
    whole = b"".join(parts)
    file = FileBytes(store, chunks)
    for offset in range(len(whole) + 2):
        for length in range(len(whole) + 2):
            assert file.read(offset, length) == whole[offset : offset + length]
    store.keep(chunks[1].digest, b"dEfgh")
    with pytest.raises(BytesDamaged):
        FileBytes(store, chunks).read(4, 1)
    assert FileBytes(store, []).read(0, 10) == b""
    assert Digest.of(b"abc") == chunks[0].digest


def test_messages_longer_than_agreed_are_refused() -> None:
    with pytest.raises(exchange.BrokenExchange):
        exchange.unpack_range((0).to_bytes(8, "big") + (2**31).to_bytes(4, "big"))
    with pytest.raises(exchange.BrokenExchange):
        exchange.unpack_range(b"short")
