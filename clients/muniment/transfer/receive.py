"""Receiving files on streams of byte ranges: written in order, hashed as they come, resumed where they stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from muniment.digests import Digest
from muniment.errors import DeadlineExceeded, DownloadRefused, Unavailable
from muniment.registry.session import Session
from muniment.transfer.manifest import ListedFile
from muniment.transfer.patience import Patience
from muniment.transfer.progress import Progress
from muniment.v1 import artifact_service_pb2 as pb

BATCH_FILES = 1_000
"""Ranges of one call; a registry takes ten times as many."""


class _Arriving:
    """A file that is being written."""

    def __init__(self, listed: ListedFile, root: Path) -> None:
        self.listed = listed
        self.done = 0
        self._hash = hashlib.sha256()
        location = root / listed.path
        location.parent.mkdir(parents=True, exist_ok=True)
        # The directory is new and ours: what is there already came from the manifest, by a path that clashes.
        self._file = location.open("xb", buffering=0)

    @property
    def complete(self) -> bool:
        return self.done == self.listed.size

    def write(self, data: bytes) -> None:
        if self.done + len(data) > self.listed.size:
            raise DownloadRefused(
                f"{self.listed.path} is longer than the {self.listed.size} bytes it should have"
            )
        self._hash.update(data)
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        self.done += len(data)

    def finish(self) -> None:
        """Make the file durable.

        Raises:
            DownloadRefused: if its bytes are not those of its digest.
        """
        actual = Digest.of_hash(self._hash).text
        if actual != self.listed.digest:
            raise DownloadRefused(
                f"{self.listed.path} has digest {actual}, while its manifest says {self.listed.digest}"
            )
        os.fsync(self._file.fileno())
        self.close()

    def close(self) -> None:
        self._file.close()


class Download:
    """Fetches files of one manifest into a directory."""

    def __init__(self, session: Session, project: str, digest: str, root: Path, progress: Progress) -> None:
        self._session = session
        self._project = project
        self._digest = digest
        self._root = root
        self._progress = progress
        self._patience = Patience()

    def fetch(self, files: Sequence[ListedFile]) -> None:
        """Fetch all files.

        Raises:
            DownloadRefused: if what comes is not what the manifest names.
            MunimentError: as the server or the connection says.
            OSError: if the disk refuses.
        """
        for file in files:
            if file.size == 0:
                empty = _Arriving(file, self._root)
                try:
                    empty.finish()
                finally:
                    empty.close()
        filled = [file for file in files if file.size > 0]
        for start in range(0, len(filled), BATCH_FILES):
            self._fetch_batch(filled[start : start + BATCH_FILES])

    def _fetch_batch(self, files: Sequence[ListedFile]) -> None:
        finished = 0
        current: _Arriving | None = None
        try:
            while finished < len(files):
                left = files[finished:]
                begun = 0
                try:
                    for response in self._responses(left, current.done if current else 0):
                        if current is None:
                            current = _Arriving(left[begun], self._root)
                        _check_place(response, begun, current)
                        current.write(response.data)
                        self._progress(len(response.data))
                        self._patience.progressed()
                        if current.complete:
                            current.finish()
                            current = None
                            begun += 1
                            finished += 1
                            if begun == len(left):
                                return
                except (Unavailable, DeadlineExceeded) as error:
                    self._patience.spend(error)
                else:
                    raise DownloadRefused(
                        f"the registry sent nothing of {left[begun].path}, or only a part of it"
                    )
        finally:
            if current is not None:
                current.close()

    def _responses(self, files: Sequence[ListedFile], offset: int) -> Iterator[pb.ReadRangesResponse]:
        """Frames of the files, the first of them from ``offset`` on."""
        ranges = [pb.ByteRange(path=file.path, length=file.size) for file in files]
        ranges[0].offset, ranges[0].length = offset, files[0].size - offset
        request = pb.ReadRangesRequest(parent=self._project, digest=self._digest, ranges=ranges)
        stream = self._session.calls.stream(self._session.artifacts.ReadRanges, request)
        try:
            yield from stream
        finally:
            stream.cancel()


def _check_place(response: pb.ReadRangesResponse, index: int, file: _Arriving) -> None:
    if response.range_index != index or response.offset != file.done or not response.data:
        raise DownloadRefused(
            f"the registry sent {len(response.data)} bytes for range {response.range_index} at {response.offset}, "
            f"while {file.listed.path} (range {index}) goes on at {file.done}"
        )
