"""Every blob store the product has, each over the real thing, behind one fixture."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from harness.processes import ProcessRunner
from harness.s3 import ACCESS_KEY, SECRET_KEY, S3Server
from minio import Minio
from muniment.digests import Digest
from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.disk import DiskBlobStore
from muniment_artifact.blobs.memory import MemoryBlobStore
from muniment_artifact.blobs.s3 import S3BlobStore, S3Settings


@dataclass(frozen=True)
class StoreUnderTest:
    """A store, and ways around it.

    Attributes:
        store: what is tested.
        plant: puts any bytes under a digest behind the back of the store.
        leftovers: what a store that is at rest must not contain.
    """

    store: BlobStore
    plant: Callable[[Digest, bytes], None]
    leftovers: Callable[[], list[str]]


def _start_s3(runner: ProcessRunner, root: Path) -> S3Server:
    # With a cache time of 0, which the harness uses, this version of rclone now and then takes minutes for a
    # listing or a write; with one millisecond it takes milliseconds.
    root.mkdir(parents=True, exist_ok=True)
    process = runner.start(
        Path(sys.executable).with_name("rclone"),
        *("serve", "s3", str(root), "--addr", "127.0.0.1:0", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
        *("--dir-cache-time", "1ms", "--config", ""),
        name="rclone",
    )
    endpoint = process.wait_for_stderr(r"Starting s3 server on \[?http://([0-9.:]+)").group(1)
    return S3Server(endpoint, root, process)


@pytest.fixture(scope="session")
def s3_server(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server; leave it running."""
    runner = ProcessRunner(tmp_path_factory.mktemp("blob-s3-process"))
    try:
        yield _start_s3(runner, tmp_path_factory.mktemp("blob-s3-root"))
    finally:
        runner.reap()


@pytest.fixture
def s3_factory(processes: ProcessRunner, tmp_path: Path) -> Callable[[], S3Server]:
    """Starts S3 servers the test may kill."""
    return lambda: _start_s3(processes, tmp_path / "s3")


@pytest.fixture
def s3_settings(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> S3Settings:
    """Settings for a fresh bucket of a real server."""
    return S3Settings(
        endpoint=s3_server.endpoint,
        bucket=s3_bucket,
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
        region=s3_server.region,
        secure=s3_server.secure,
        prefix="muniment",
        read_timeout=10.0,
        spool_directory=tmp_path / "spool",
    )


@pytest.fixture(params=["memory", "disk", "s3"])
def any_blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreUnderTest]:
    """Each store in turn; fails when a test leaves half-written blobs behind."""
    under_test = {"memory": _memory, "disk": _disk, "s3": _s3}[request.param](request, tmp_path)
    yield under_test
    assert under_test.leftovers() == []


def _memory(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    store = MemoryBlobStore()
    return StoreUnderTest(store, store.keep, lambda: [str(writer) for writer in store.open_writers])


def _disk(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    def plant(digest: Digest, data: bytes) -> None:
        path = tmp_path / "cas" / "sha256" / digest.hex[:2] / digest.hex
        path.unlink(missing_ok=True)
        path.write_bytes(data)

    def leftovers() -> list[str]:
        return [path.name for path in (tmp_path / "cas" / "incoming").iterdir()]

    return StoreUnderTest(DiskBlobStore(tmp_path), plant, leftovers)


def _s3(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    settings: S3Settings = request.getfixturevalue("s3_settings")
    server: S3Server = request.getfixturevalue("s3_server")
    client = Minio(
        server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        region=server.region,
        secure=server.secure,
    )

    def plant(digest: Digest, data: bytes) -> None:
        key = f"muniment/cas/sha256/{digest.hex[:2]}/{digest.hex}"
        client.put_object(settings.bucket, key, BytesIO(data), len(data))

    def leftovers() -> list[str]:
        objects = [path for path in (server.root / settings.bucket).rglob("*") if path.is_file()]
        waiting = list(settings.spool_directory.iterdir())
        return [str(path) for path in objects + waiting if not re.fullmatch("[0-9a-f]{64}", path.name)]

    return StoreUnderTest(S3BlobStore(settings), plant, leftovers)
