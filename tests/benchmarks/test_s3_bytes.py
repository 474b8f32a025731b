"""Pulls of a server over S3, against the S3 SDK alone getting the same bytes from the same S3 server.

That server, rclone, hashes an object anew for every range of it that is asked for. So the SDK has two ways to go:
a quarter of one large object on each of its threads, and the chunks that we keep, each an object of its own, which
is the harder one to come near to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import muniment
import pytest
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.processes import ProcessRunner
from harness.s3 import S3Server, start_s3
from harness.server import ServerFactory
from minio import Minio
from muniment.v1 import artifact_service_pb2 as pb

MIB = 1024 * 1024
SIZE = int(os.environ.get("MUNIMENT_BENCH_MIB", "1024")) * MIB
THREADS = 4


class SdkAlone:
    """Gets parts of objects on threads, writes them where they belong, and hashes the file as it fills up."""

    def __init__(self, client: Minio, bucket: str, path: Path, digest: str) -> None:
        self._client = client
        self._bucket = bucket
        self._path = path
        self._digest = digest

    def get(self, parts: list[tuple[str, int, int]]) -> None:
        """Get ``(key, offset, size)``, in this order one file."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        whole, position = hashlib.sha256(), 0
        buffer = memoryview(bytearray(MIB))
        with ThreadPoolExecutor(THREADS) as pool:
            waiting = []
            for key, offset, size in parts:
                waiting.append((pool.submit(self._fetch, descriptor, key, offset, size, position), size))
                position += size
            position = 0
            for fetched, size in waiting:
                fetched.result()
                end = position + size
                while position < end:
                    count = os.preadv(descriptor, [buffer[: min(MIB, end - position)]], position)
                    whole.update(buffer[:count])
                    position += count
        os.fsync(descriptor)
        os.close(descriptor)
        assert f"sha256:{whole.hexdigest()}" == self._digest

    def _fetch(self, descriptor: int, key: str, offset: int, size: int, position: int) -> None:
        answer = self._client.get_object(self._bucket, key, offset=offset, length=size)
        try:
            while data := answer.read(MIB):
                os.pwrite(descriptor, data, position)
                position += len(data)
        finally:
            answer.close()
            answer.release_conn()


@pytest.fixture
def s3(processes: ProcessRunner, memory: Path) -> S3Server:
    """An S3 server whose objects are in memory."""
    return start_s3(processes, memory / "s3")


def _rate(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return SIZE / 1e6 / (time.perf_counter() - begun)


@pytest.mark.parametrize(("way", "options"), [("", ()), (", directly", ("--s3-direct",))])
def test_pulls_over_s3_against_the_sdk_alone(
    s3: S3Server,
    server_factory: ServerFactory,
    memory: Path,
    table: BarTable,
    way: str,
    options: tuple[str, ...],
) -> None:
    bucket = s3.new_bucket()
    keys = ("--s3-access-key", s3.access_key, "--s3-secret-key", s3.secret_key)
    server = server_factory(
        *("--s3-endpoint", s3.endpoint, "--s3-bucket", bucket, "--s3-plain-http", *keys, *options),
        data=memory / "data",
    )
    file = memory / "model" / "weights.bin"
    file.parent.mkdir()
    with file.open("wb") as weights:
        for _ in range(SIZE // MIB):
            weights.write(os.urandom(MIB))
    client = Minio(
        s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, region=s3.region, secure=False
    )
    client.fput_object(bucket, "whole", str(file))
    with muniment.connect(server.address, token=server.token, cache=False) as registry:
        version = registry.push("m", file)
    with Api(server.address, server.token) as api:
        wanted = pb.GetManifestRequest(parent=api.parent(), digest=version.digest)
        (stored,) = api.artifact.GetManifest(wanted).files
    with muniment.connect(server.address, token=server.token, cache=False) as registry:
        file.unlink()
        alone = SdkAlone(client, bucket, memory / "alone", stored.digest)
        quarter = SIZE // THREADS
        chunks = [
            (f"cas/sha256/{chunk.digest[7:9]}/{chunk.digest[7:]}", 0, chunk.size) for chunk in stored.chunks
        ]

        def pull() -> None:
            registry.pull(version, memory / "out")
            shutil.rmtree(memory / "out")

        rates = interleaved(
            {
                "ours": lambda: _rate(pull),
                "chunks": lambda: _rate(lambda: alone.get(chunks)),
                "ranges": lambda: _rate(
                    lambda: alone.get([("whole", at, quarter) for at in range(0, SIZE, quarter)])
                ),
            }
        )
    table.add(
        f"pull 1 x {SIZE // MIB} MiB over S3{way}",
        "sqlite",
        ours=rates["ours"],
        unit="MB/s",
        against={"SDK, chunks": rates["chunks"], "SDK, ranges": rates["ranges"]},
        at_least={"SDK, chunks": 0.8, "SDK, ranges": 0.8},
    )
