"""Reading parts of a version without fetching it: ranges of files, and single tensors."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment.errors import DeadlineExceeded, DownloadRefused, FileNotFound, InvalidArgument, Unavailable
from muniment.frames import RangeFrame
from muniment.manifest import ListedFile
from muniment.registry.session import Session
from muniment.tensor_header import UntrueHeader
from muniment.transfer import pace
from muniment.transfer.pace import Pace
from muniment.transfer.patience import Patience
from muniment.transfer.safetensors import Layout, read_layout
from muniment.v1 import artifact_service_pb2 as pb
from muniment.values import Version


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor of a safetensors file.

    Attributes:
        dtype: as the file says, such as ``F32`` or ``BF16``.
        shape: sizes of its dimensions.
        data: its bytes, row after row, little-endian: ``numpy.frombuffer`` takes them.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    data: bytes


class OpenVersion:
    """The files of a version, read where they are. Threads may share it.

    A file that is in the cache is read there, once it was found right. One that is read whole is compared with its
    digest. Of a part the registry compares the chunks it lies in, those that are read whole, as is every tensor of
    a MiB or more; the digest of the version cannot vouch for it. Who needs that pulls.
    """

    def __init__(self, session: Session, version: Version, files: Mapping[str, ListedFile]) -> None:
        self.version = version
        self._session = session
        self._files = files
        self._layouts: dict[str, Layout] = {}
        self._cache = session.usable_cache()

    @property
    def files(self) -> dict[str, int]:
        """Size of each file, by path."""
        return {path: file.size for path, file in self._files.items()}

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """Bytes of a file; by default all from ``offset`` on.

        Raises:
            FileNotFound: if the version has no such file.
            InvalidArgument: if the range does not lie in the file.
            DownloadRefused: if what came is not what was asked for.
        """
        file = self._files.get(path)
        if file is None:
            raise FileNotFound(f"{self.version.name} has no file {path!r:.200}", "FILE_NOT_FOUND")
        if not 0 <= offset <= file.size:
            raise InvalidArgument(f"offset is {offset}, while {path} has {file.size} bytes")
        count = file.size - offset if length is None else length
        if not 0 <= count <= file.size - offset:
            raise InvalidArgument(f"length is {count}, while {file.size - offset} bytes of {path} follow")
        data = b""
        if count:
            cached = self._cached(file, offset, count)
            data = self._fetch(path, offset, count) if cached is None else cached
        if count == file.size and Digest.of(data).text != file.digest:
            raise DownloadRefused(f"{path} does not have digest {file.digest}, which its manifest says")
        return data

    def tensors(self) -> dict[str, str]:
        """The file in which each tensor is, by its name; reads the headers of the safetensors files only.

        Of a name that is in several files the first one counts, by path.
        """
        found: dict[str, str] = {}
        for path in sorted(self._files):
            if path.endswith(".safetensors"):
                for name in self._layout(path).tensors:
                    found.setdefault(name, path)
        return found

    def tensor(self, name: str) -> Tensor:
        """One tensor, without the others.

        Raises:
            FileNotFound: if no safetensors file of the version has it.
            DownloadRefused: if a header is not one of the format.
        """
        path = self.tensors().get(name)
        if path is None:
            raise FileNotFound(
                f"no safetensors file of {self.version.name} has tensor {name!r:.200}", "FILE_NOT_FOUND"
            )
        layout = self._layout(path)
        extent, (dtype, shape) = layout.tensors[name], layout.kinds[name]
        return Tensor(name, dtype, shape, self.read(path, extent.start, extent.size))

    def _layout(self, path: str) -> Layout:
        layout = self._layouts.get(path)
        if layout is None:
            try:
                layout = read_layout(partial(self._some, path), self._files[path].size)
            except UntrueHeader as error:
                raise DownloadRefused(f"{path} has no header of safetensors: {error}") from error
            self._layouts[path] = layout
        return layout

    def _some(self, path: str, offset: int, length: int) -> bytes:
        return self.read(path, offset, min(length, self._files[path].size - offset))

    def _cached(self, file: ListedFile, offset: int, count: int) -> bytes | None:
        """Bytes of a file that is in the cache."""
        if self._cache is None:
            return None
        with self._cache.files.reading(file) as descriptor:
            if descriptor is None:
                return None
            buffer = bytearray(count)
            done = 0
            while part := os.preadv(descriptor, [memoryview(buffer)[done:]], offset + done):
                done += part
            return bytes(buffer) if done == count else None

    def _fetch(self, path: str, offset: int, count: int) -> bytes:
        buffer = bytearray(count)
        done = 0
        patience, slowness = Patience(), Patience(pace.ATTEMPTS)
        awaited = Pace()
        while done < count:
            wanted = pb.ByteRange(path=path, offset=offset + done, length=count - done)
            request = pb.ReadRangesRequest(
                parent=f"projects/{self.version.version_name.project}",
                digest=self.version.digest,
                ranges=[wanted],
            )
            awaited.expect(count - done)
            stream = self._session.calls.stream(self._session.data.read, request)
            try:
                for frame in stream:
                    _check_place(frame, path, offset + done, count - done)
                    buffer[done : done + len(frame.data)] = frame.data
                    done += len(frame.data)
                    patience.progressed()
                    if done == count:
                        break
                    awaited.check(path)
                else:
                    raise DownloadRefused(f"the registry sent nothing of {path}, or only a part of it")
            except (Unavailable, DeadlineExceeded) as error:
                (slowness if awaited.is_late else patience).spend(error)
            finally:
                stream.cancel()
        return bytes(buffer)


def _check_place(frame: RangeFrame, path: str, position: int, most: int) -> None:
    if frame.range_index != 0 or frame.offset != position or not 0 < len(frame.data) <= most:
        raise DownloadRefused(
            f"the registry sent {len(frame.data)} bytes at {frame.offset}, while {path} goes on at {position} "
            f"with at most {most}"
        )
