"""The store: each blob is an object, whose key is its digest."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, cast

import urllib3
from minio.error import MinioException
from muniment.digests import Digest

from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.failures import storage_errors
from muniment_artifact.blobs.s3.client import client, http_pool
from muniment_artifact.blobs.s3.errors import FAILURES, is_absent, s3_errors
from muniment_artifact.blobs.s3.patience import Attempts, Patience
from muniment_artifact.blobs.s3.probing import Honoured, Prober
from muniment_artifact.blobs.s3.reading import ObjectReader
from muniment_artifact.blobs.s3.settings import S3Settings
from muniment_artifact.blobs.s3.writer import S3BlobWriter
from muniment_artifact.blobs.store import BlobStat
from muniment_artifact.limits import FRAME_BYTES, MIB

PART_BYTES = 64 * MIB
"""Nothing that is stored is larger: chunks have 16 MiB at most, and the chunk map of the largest version 40 MB.
Hence each blob is one plain PUT, which is there whole or not at all. Of an upload in parts that is cut short the
parts stay, and not every endpoint tells of them."""

_DIGEST_DIGITS = 64
_LONGEST_PROBE = timedelta(hours=1)

_log = logging.getLogger(__name__)


class S3BlobStore:
    """Keeps each blob in an object. The bucket must exist."""

    def __init__(self, settings: S3Settings) -> None:
        """Prepare the client and the spool directory; nothing is sent yet.

        Raises:
            StorageFull: if there is no room for the spool directory.
            StorageUnavailable: if it cannot be made.
            UnusableStore: if the settings cannot be right.
        """
        if settings.spool_directory is not None:
            with storage_errors():
                settings.spool_directory.mkdir(parents=True, exist_ok=True)
        self._bucket = settings.bucket
        self._root = settings.root
        self._spool_directory = settings.spool_directory
        http = http_pool(settings)
        self._client = client(settings, http)
        # Signs addresses for clients, and asks nobody: an address is signed with the host it names.
        self._signer = self._client
        if settings.public_endpoint:
            public = replace(settings, endpoint=settings.public_endpoint, secure=settings.public_secure)
            self._signer = client(public, http)
        self._patience = Patience(settings.deadline, settings.read_timeout)
        self._reader = ObjectReader(self._client, self._bucket, self._patience)
        self._prober = Prober(self._client, http, self._bucket, self._root, self._patience)

    def create(self, digest: Digest, size: int) -> S3BlobWriter:
        """Begin a blob."""
        with storage_errors():
            spool = tempfile.TemporaryFile(dir=self._spool_directory, buffering=0)  # noqa: SIM115 - see discard
        return S3BlobWriter(ExpectedBytes(digest, size), cast(BinaryIO, spool), upload=self._upload)

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range; a connection that breaks is taken up again where it broke."""
        return self._reader.read(
            digest, self._key(digest), offset=offset, length=length, frame_bytes=frame_bytes
        )

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob, or None."""
        with s3_errors():
            return self._patience.run(lambda: self._stat(digest))

    def delete(self, digest: Digest) -> None:
        """Remove a blob."""
        with s3_errors():
            self._patience.run(lambda: self._client.remove_object(self._bucket, self._key(digest)))

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs by beginning of their digits, in order."""
        beginning = f"{prefix[:2]}/{prefix}" if len(prefix) >= 2 else prefix
        for found in self._objects(f"{self._root}cas/sha256/{beginning}"):
            name = str(found.object_name).rpartition("/")[2]
            if len(name) == _DIGEST_DIGITS and name.startswith(prefix):
                yield _blob_stat(Digest("sha256:" + name), found)

    def remove_leftovers(self) -> int:
        """Remove objects that a probe was cut off before it removed; bytes on their way are never objects."""
        before = datetime.now(UTC) - _LONGEST_PROBE
        probes = [
            str(found.object_name)
            for found in self._objects(f"{self._root}probe/")
            if found.last_modified and found.last_modified < before
        ]
        with s3_errors():
            for name in probes:
                self._patience.run(lambda name=name: self._client.remove_object(self._bucket, name))  # type: ignore[misc]
        return len(probes)

    def read_address(self, digest: Digest, *, lifetime: timedelta) -> str:
        """Where whoever has this address gets the blob, for some time. Asks nobody."""
        return str(self._signer.presigned_get_object(self._bucket, self._key(digest), lifetime))

    def probe(self) -> None:
        """Try out what a store needs, and tell in the log what else the endpoint honours."""
        self.try_out()

    def try_out(self) -> Honoured:
        """As :meth:`probe`, with what the endpoint honours."""
        honoured = self._prober.run()
        _log.info("the bucket for %sbytes answers; %s", self._root.replace("/", " "), honoured.text)
        return honoured

    def _objects(self, prefix: str) -> Iterator[Any]:
        """The objects below a prefix; a listing that fails is taken up after the last one that came."""
        last: str | None = None
        attempts = Attempts(self._patience)
        while True:
            objects = self._client.list_objects(self._bucket, prefix=prefix, recursive=True, start_after=last)
            try:
                for found in objects:
                    last = str(found.object_name)
                    yield found
                    attempts.progressed()
                return
            except FAILURES as error:
                with s3_errors():
                    attempts.spend(error)

    def _stat(self, digest: Digest) -> BlobStat | None:
        try:
            found = self._client.stat_object(self._bucket, self._key(digest))
        except MinioException as error:
            if is_absent(error):
                return None
            raise
        # The HTTP library takes headers that were cut off for whole ones.
        if found.last_modified is None or "content-length" not in (found.metadata or {}):
            raise urllib3.exceptions.ProtocolError("the answer lacks size or time")
        return _blob_stat(digest, found)

    def _upload(self, digest: Digest, spool: BinaryIO, size: int) -> None:
        def put() -> None:
            spool.seek(0)
            self._client.put_object(
                self._bucket, self._key(digest), spool, size, part_size=PART_BYTES, num_parallel_uploads=1
            )

        with s3_errors():
            self._patience.run(put)

    def _key(self, digest: Digest) -> str:
        return f"{self._root}cas/sha256/{digest.hex[:2]}/{digest.hex}"


def _blob_stat(digest: Digest, found: Any) -> BlobStat:
    return BlobStat(digest, int(found.size), found.last_modified)
