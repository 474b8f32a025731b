"""Blobs as files of a local or shared disk.

::

    <root>/
    └── cas/
        ├── incoming/
        │   └── <32 random hex>.part     being written, 0600, locked by its writer
        └── sha256/
            ├── 00/
            ├── …
            └── ab/
                └── ab34…  <64 hex>      a blob, 0444, never changed

A blob becomes durable before it becomes visible: the temporary file is synchronised, then renamed, then its
directory is synchronised. All 256 directories are made and synchronised when the store is opened, so that no
rename can land in a directory that is itself not durable yet.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from muniment.digests import Digest
from muniment_core.domain.errors import BytesDamaged, StorageUnavailable

from muniment_artifact.blobs.expected import ExpectedBytes
from muniment_artifact.blobs.failures import storage_error, storage_errors
from muniment_artifact.blobs.incoming import create_incoming, remove_leftovers
from muniment_artifact.blobs.store import STORE_NAME, BlobStat
from muniment_artifact.limits import FRAME_BYTES

_SHARDS = tuple(f"{number:02x}" for number in range(256))
_DIGEST_DIGITS = 64
_PROBE = b"muniment probe"


class DiskBlobStore:
    """Keeps each blob in a file."""

    def __init__(self, root: Path) -> None:
        """Open the store: make its directories and remove what dead writers left.

        Raises:
            StorageFull: if there is no room for the directories.
            StorageUnavailable: if the directory cannot be used.
        """
        self._incoming = root / "cas" / "incoming"
        self._blobs = root / "cas" / "sha256"
        with storage_errors():
            self._incoming.mkdir(parents=True, exist_ok=True)
            self._blobs.mkdir(exist_ok=True)
            there = set(os.listdir(self._blobs))  # noqa: PTH208 - one call instead of 256
            for shard in _SHARDS:
                if shard not in there:
                    (self._blobs / shard).mkdir(exist_ok=True)
            for directory in (self._blobs, self._blobs.parent, root):
                _sync_directory(directory)
            remove_leftovers(self._incoming)

    def create(self, digest: Digest, size: int) -> DiskBlobWriter:
        """Begin a blob."""
        with storage_errors():
            path, descriptor = create_incoming(self._incoming)
        return DiskBlobWriter(ExpectedBytes(digest, size), path, descriptor, target=self._path(digest))

    def read(
        self, digest: Digest, *, offset: int = 0, length: int | None = None, frame_bytes: int = FRAME_BYTES
    ) -> Generator[bytes, None, None]:
        """Yield a range."""
        try:
            descriptor = os.open(self._path(digest), os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise BytesDamaged(digest.text, "the store does not have them") from None
        except OSError as error:
            raise storage_error(error) from error
        try:
            end = os.fstat(descriptor).st_size if length is None else offset + length
            while offset < end:
                piece = _read_at(digest, descriptor, min(frame_bytes, end - offset), offset)
                if not piece:
                    raise BytesDamaged(digest.text, f"they end at byte {offset}, before byte {end}")
                offset += len(piece)
                yield piece
        finally:
            os.close(descriptor)

    def stat(self, digest: Digest) -> BlobStat | None:
        """Size and time of a blob, or None."""
        with storage_errors():
            try:
                found = self._path(digest).stat()
            except FileNotFoundError:
                return None
        return BlobStat(digest, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, digest: Digest) -> None:
        """Remove a blob. A removal lost with the power leaves an orphan, which is removed again."""
        with storage_errors():
            self._path(digest).unlink(missing_ok=True)

    def list(self, prefix: str = "") -> Iterator[BlobStat]:
        """Blobs by beginning of their digits, in order."""
        for shard in _SHARDS:
            if shard.startswith(prefix[:2]):
                with storage_errors():
                    names = sorted(os.listdir(self._blobs / shard))  # noqa: PTH208 - names are all that is needed
                for name in names:
                    if len(name) == _DIGEST_DIGITS and name.startswith(prefix):
                        found = self.stat(Digest("sha256:" + name))
                        if found is not None:
                            yield found

    def remove_leftovers(self) -> int:
        """Remove temporary files that no living writer holds, however young they are."""
        with storage_errors():
            return remove_leftovers(self._incoming)

    def probe(self) -> None:
        """Write, synchronise, read and remove a small file."""
        with storage_errors():
            path, descriptor = create_incoming(self._incoming)
            try:
                os.write(descriptor, _PROBE)
                os.fsync(descriptor)
                found = os.pread(descriptor, len(_PROBE), 0)
            finally:
                os.close(descriptor)
                path.unlink(missing_ok=True)
        if found != _PROBE:
            raise StorageUnavailable(STORE_NAME)

    def _path(self, digest: Digest) -> Path:
        return self._blobs.joinpath(digest.hex[:2], digest.hex)


class DiskBlobWriter:
    """Writes one blob into a temporary file."""

    def __init__(self, expected: ExpectedBytes, path: Path, descriptor: int, *, target: Path) -> None:
        self._expected = expected
        self._path = path
        self._descriptor: int | None = descriptor
        self._target = target
        self._published = False

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        if self._descriptor is None:
            raise ValueError("the blob was committed or discarded already")
        self._expected.add(data)
        with storage_errors():
            remaining = memoryview(data)
            while remaining:
                remaining = remaining[os.write(self._descriptor, remaining) :]

    def commit(self) -> None:
        """Check, make durable, then publish."""
        if self._descriptor is None:
            raise ValueError("the blob was committed or discarded already")
        try:
            self._expected.check()
            with storage_errors():
                os.fsync(self._descriptor)
                self._path.rename(self._target)
                self._published = True
                # Only now: a leftover of a killed writer must stay one that the next start can open and lock.
                # Nothing asks for the mode, so a blob that lost it in a power cut is as good as others.
                os.fchmod(self._descriptor, 0o444)
                _sync_directory(self._target.parent)
        finally:
            self.discard()

    def discard(self) -> None:
        """Remove the temporary file, unless it became the blob."""
        if self._descriptor is not None:
            if not self._published:
                self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _read_at(digest: Digest, descriptor: int, size: int, offset: int) -> bytes:
    try:
        piece = os.pread(descriptor, size, offset)
        # A signal or a network file system may cut a read short before the end of the file.
        rest = piece
        while rest and len(piece) < size:
            rest = os.pread(descriptor, size - len(piece), offset + len(piece))
            piece += rest
    except OSError as error:
        if error.errno == errno.EIO:
            raise BytesDamaged(digest.text, "the disk cannot read them") from error
        raise storage_error(error) from error
    return piece


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
