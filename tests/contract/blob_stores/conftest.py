"""Every blob store the product has, each over the real thing, behind one fixture."""

from __future__ import annotations

import re
import secrets
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


@pytest.fixture(scope="session")
def moto_server(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of another S3 server, which honours what the first does not; leave it running."""
    runner = ProcessRunner(tmp_path_factory.mktemp("moto-process"))
    try:
        process = runner.start(
            *(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"), name="moto"
        )
        yield process.wait_for_stderr(r"Running on http://([0-9.:]+)").group(1)
    finally:
        runner.reap()


@pytest.fixture
def moto_settings(moto_server: str, tmp_path: Path) -> S3Settings:
    """Settings for a fresh bucket of that server."""
    settings = S3Settings(
        endpoint=moto_server,
        bucket=f"bucket-{secrets.token_hex(8)}",
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        secure=False,
        prefix="muniment",
        spool_directory=tmp_path / "spool",
    )
    _client(settings).make_bucket(settings.bucket)
    return settings


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
        spool_directory=tmp_path / "spool",
    )


@pytest.fixture(params=["memory", "disk", "rclone", "moto"])
def any_blob_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreUnderTest]:
    """Each store in turn; fails when a test leaves half-written blobs behind."""
    under_test = {"memory": _memory, "disk": _disk, "rclone": _rclone, "moto": _moto}[request.param](
        request, tmp_path
    )
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


def _rclone(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    settings: S3Settings = request.getfixturevalue("s3_settings")
    root: Path = request.getfixturevalue("s3_server").root / settings.bucket

    def keys() -> list[str]:
        # What this server keeps of an upload that was given up is a file as well.
        return [str(path) for path in root.rglob("*") if path.is_file()]

    return _s3(settings, keys)


def _moto(request: pytest.FixtureRequest, tmp_path: Path) -> StoreUnderTest:
    settings: S3Settings = request.getfixturevalue("moto_settings")
    client = _client(settings)

    def keys() -> list[str]:
        return [str(found.object_name) for found in client.list_objects(settings.bucket, recursive=True)]

    return _s3(settings, keys)


def _s3(settings: S3Settings, keys: Callable[[], list[str]]) -> StoreUnderTest:
    client = _client(settings)

    def plant(digest: Digest, data: bytes) -> None:
        key = f"muniment/cas/sha256/{digest.hex[:2]}/{digest.hex}"
        client.put_object(settings.bucket, key, BytesIO(data), len(data))

    def leftovers() -> list[str]:
        waiting = [str(path) for path in settings.spool_directory.iterdir()]
        return [key for key in keys() + waiting if not re.fullmatch("(.*/)?[0-9a-f]{64}", key)]

    return StoreUnderTest(S3BlobStore(settings), plant, leftovers)


def _client(settings: S3Settings) -> Minio:
    return Minio(
        settings.endpoint,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
        region=settings.region,
        secure=settings.secure,
    )
