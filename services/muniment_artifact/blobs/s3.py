"""Blobs as objects of an S3-compatible store, through the minio SDK.

::

    <bucket>/
    └── <prefix>/
        ├── cas/
        │   └── sha256/
        │       └── ab/
        │           └── ab34…  <64 hex>   a blob
        └── probe/<32 random hex>         written, read and removed by ``probe``

Nothing depends on conditional requests or on ETags, which mean different things to different servers: a blob
is judged by its own sha256 before it is sent, and an object appears whole or not at all. Bytes on their way
wait in an unnamed temporary file, so that a broken stream has nothing to clean up and a request can be
repeated.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error
from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged, StorageFull, StorageUnavailable

from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.failures import storage_errors
from muniment_artifact.blobs.store import STORE_NAME, BlobStat
from muniment_artifact.limits import FRAME_BYTES, MIB

_PART_BYTES = 8 * MIB
"""The SDK holds one part in memory. Clients cut chunks of 8 MiB, so nearly every chunk is one plain PUT."""

_READ_BYTES = 256 * 1024
"""A read that breaks off loses what it had of this; larger pieces are not faster."""

_RESUMES = 3
"""How often a read that broke off is taken up again without having got any further."""

_NO_ROOM = {"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage", "InsufficientCapacity"}
_ABSENT = {"NoSuchKey", "NoSuchObject", "NotFound"}
_CODE = re.compile("<Code>([A-Za-z]+)</Code>")
_PROBE = b"muniment probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """Where the bucket is and how patient to be.

    Attributes:
        endpoint: ``host:port``, without scheme.
        region: must be given, or every start asks the server for it.
        secure: TLS.
        prefix: put before every key, without slashes at its ends; empty: none.
        connect_timeout: seconds for a connection.
        read_timeout: seconds without a byte.
        retries: how often a request is repeated after a failed connection or a 429 or 5xx answer.
        spool_directory: where bytes wait for their digest; made when missing. None: the temporary directory.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    secure: bool = True
    prefix: str = ""
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    retries: int = 3
    spool_directory: Path | None = None


class S3BlobStore:
    """Keeps each blob in an object. The bucket must exist."""

    def __init__(self, settings: S3Settings) -> None:
        """Prepare the client and the spool directory; nothing is sent yet.

        Raises:
            StorageFull: if there is no room for the spool directory.
            StorageUnavailable: if it cannot be made.
        """
        if settings.spool_directory is not None:
            with storage_errors():
                settings.spool_directory.mkdir(parents=True, exist_ok=True)
        self._bucket = settings.bucket
        self._root = settings.prefix + "/" if settings.prefix else ""
        self._spool_directory = settings.spool_directory
        self._client = Minio(
            settings.endpoint,
            access_key=settings.access_key,
            secret_key=settings.secret_key,
            region=settings.region,
            secure=settings.secure,
            http_client=_http_client(settings),
        )

    def create(self, digest: Digest, size: int) -> S3BlobWriter:
        """Begin a blob."""
        with storage_errors():
            spool = tempfile.TemporaryFile(dir=self._spool_directory, buffering=0)  # noqa: SIM115 - see discard
        return S3BlobWriter(ExpectedBytes(digest, size), cast(BinaryIO, spool), upload=self._upload)

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range; a connection that breaks is taken up again where it broke."""
        end = None if length is None else offset + length
        buffer = bytearray()
        failures = 0
        while end is None or offset < end:
            before = offset
            try:
                for piece in self._fetch(digest, offset, end):
                    offset += len(piece)
                    buffer += piece
                    while len(buffer) >= frame_bytes:
                        yield bytes(memoryview(buffer)[:frame_bytes])
                        del buffer[:frame_bytes]
                break
            except urllib3.exceptions.HTTPError as error:
                failures = failures + 1 if offset == before else 0
                if failures >= _RESUMES:
                    raise StorageUnavailable(STORE_NAME) from error
        if buffer:
            yield bytes(buffer)
        if end is not None and offset < end:
            raise BytesDamaged(digest.text, f"they end at byte {offset}, before byte {end}")

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob, or None."""
        with _s3_errors():
            try:
                found = self._client.stat_object(self._bucket, self._key(digest))
                if found.last_modified is None or "content-length" not in (found.metadata or {}):
                    raise urllib3.exceptions.ProtocolError("the answer lacks size or time")
            except MinioException as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        return _blob_stat(digest, found)

    def delete(self, digest: Digest) -> None:
        """Remove a blob."""
        with _s3_errors():
            self._client.remove_object(self._bucket, self._key(digest))

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs by beginning of their digits, in order."""
        beginning = f"{prefix[:2]}/{prefix}" if len(prefix) >= 2 else prefix
        objects = self._client.list_objects(
            self._bucket, prefix=f"{self._root}cas/sha256/{beginning}", recursive=True
        )
        while True:
            with _s3_errors():
                found = next(objects, None)
            if found is None:
                return
            name = str(found.object_name).rpartition("/")[2]
            if len(name) == 64 and name.startswith(prefix):
                yield _blob_stat(Digest("sha256:" + name), found)

    def probe(self) -> None:
        """Write a small object, read a range of it, and remove it."""
        key = f"{self._root}probe/{secrets.token_hex(16)}"
        with _s3_errors():
            self._client.put_object(self._bucket, key, BytesIO(_PROBE), len(_PROBE))
            try:
                answer = self._client.get_object(self._bucket, key, offset=9, length=5)
                with _closing(answer):
                    found = answer.read()
            finally:
                self._client.remove_object(self._bucket, key)
        if found != _PROBE[9:14]:
            raise StorageUnavailable(STORE_NAME)

    def _fetch(self, digest: Digest, offset: int, end: int | None) -> Iterator[bytes]:
        """Ask once for a range; ends at the end of the range or of the blob.

        Raises:
            urllib3.exceptions.HTTPError: if the connection breaks.
        """
        with _s3_errors(pass_through=urllib3.exceptions.HTTPError):
            try:
                answer = self._client.get_object(
                    self._bucket, self._key(digest), offset=offset, length=end - offset if end else 0
                )
            except MinioException as error:
                if _code(error) in _ABSENT:
                    raise BytesDamaged(digest.text, "the store does not have them") from error
                if _code(error) == "InvalidRange":
                    return
                raise
            with _closing(answer):
                # The HTTP library takes headers that were cut off for whole ones.
                if "content-length" not in answer.headers:
                    raise urllib3.exceptions.ProtocolError("the answer does not tell its length")
                # Some endpoints answer a range with 200 and some ignore it: this header tells which bytes.
                if offset and not answer.headers.get("content-range", "").startswith(f"bytes {offset}-"):
                    raise StorageUnavailable(STORE_NAME)
                while (end is None or offset < end) and (piece := answer.read(_most(offset, end))):
                    offset += len(piece)
                    yield piece

    def _upload(self, digest: Digest, spool: BinaryIO, size: int) -> None:
        with _s3_errors():
            self._client.put_object(
                self._bucket, self._key(digest), spool, size, part_size=_PART_BYTES, num_parallel_uploads=1
            )

    def _key(self, digest: Digest) -> str:
        return f"{self._root}cas/sha256/{digest.hex[:2]}/{digest.hex}"


class S3BlobWriter:
    """Collects one blob in a temporary file and sends it when it is right."""

    def __init__(
        self, expected: ExpectedBytes, spool: BinaryIO, *, upload: Callable[[Digest, BinaryIO, int], None]
    ) -> None:
        self._expected = expected
        self._spool = spool
        self._upload = upload

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self._expected.add(data)
        with storage_errors():
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[self._spool.write(remaining) :]

    def commit(self) -> None:
        """Check, then send; the answer of the server means that the object is durable and visible."""
        try:
            self._expected.check()
            with storage_errors():
                self._spool.seek(0)
            self._upload(self._expected.digest, self._spool, self._expected.size)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the bytes."""
        self._spool.close()


def _http_client(settings: S3Settings) -> urllib3.PoolManager:
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=settings.connect_timeout, read=settings.read_timeout),
        maxsize=32,
        retries=urllib3.Retry(
            total=settings.retries,
            backoff_factor=0.2,
            backoff_jitter=0.1,
            status_forcelist=(429, 500, 502, 503, 504),
            # A server may ask for any pause; ours are bounded by the patience of our own callers.
            respect_retry_after_header=False,
        ),
    )


def _most(offset: int, end: int | None) -> int:
    return _READ_BYTES if end is None else min(_READ_BYTES, end - offset)


def _blob_stat(digest: Digest, found: Any) -> BlobStat:
    return BlobStat(digest, int(found.size), found.last_modified)


@contextmanager
def _closing(answer: Any) -> Iterator[None]:
    try:
        yield
    finally:
        answer.close()
        answer.release_conn()


@contextmanager
def _s3_errors(*, pass_through: type[Exception] | tuple[type[Exception], ...] = ()) -> Iterator[None]:
    try:
        yield
    except pass_through:
        raise
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        if isinstance(error, MinioException) and _code(error) in _NO_ROOM:
            raise StorageFull(STORE_NAME) from error
        raise StorageUnavailable(STORE_NAME) from error


def _code(error: MinioException) -> str:
    """The error code of S3, also from endpoints that send it with a content type the SDK does not read."""
    if isinstance(error, S3Error):
        return error.code or ""
    found = _CODE.search(str(error)) if isinstance(error, InvalidResponseError) else None
    return found[1] if found else ""
