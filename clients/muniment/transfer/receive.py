"""Receiving files on several streams of byte ranges, each resumed where it stopped."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, dropwhile, islice

from muniment.errors import DeadlineExceeded, DownloadRefused, Internal, MunimentError, Unavailable
from muniment.file_parts import Part
from muniment.frames import RangeFrame
from muniment.registry.session import Session
from muniment.transfer import pace
from muniment.transfer.arriving import ArrivingFile
from muniment.transfer.direct import ADDRESSES, DirectLane, DirectReads
from muniment.transfer.pace import Pace
from muniment.transfer.patience import Patience
from muniment.transfer.segments import Segment
from muniment.transport.calls import Stream
from muniment.transport.data import DataStub, OpenStub, lanes
from muniment.v1 import artifact_service_pb2 as pb

RANGES = 1_000
"""Ranges of one call; a registry takes ten times as many."""


class Download:
    """Fetches parts of files of one manifest."""

    def __init__(self, session: Session, project: str, digest: str, progress: Callable[[int], None]) -> None:
        self.session = session
        self.project = project
        self.digest = digest
        self.progress = progress
        self.files: Sequence[ArrivingFile] = ()
        self._lanes: list[_Lane] = []
        self._failure: BaseException | None = None
        self._failing = threading.Lock()

    def fetch(self, files: Sequence[ArrivingFile], wanted: Sequence[Segment]) -> None:
        """Fetch what is missing of files, after which all of them are finished.

        Raises:
            DownloadRefused: if what comes is not what the manifest names.
            MunimentError: as the server or the connection says.
            OSError: if the disk refuses.
        """
        self.files = files
        if wanted:
            total = sum(segment.size for segment in wanted)
            direct = DirectReads(self.session, self.project, self.digest, total=total)
            with lanes(self.session, total) as stubs:
                self._lanes = [
                    _Lane(self, open_stub, wanted[number :: len(stubs)], direct.lane())
                    for number, open_stub in enumerate(stubs)
                ]
                self._run()
        if not all(file.finished for file in self.files):
            raise Internal("a stream of the download ended without a word")

    def progressed(self) -> None:
        """Bytes arrived on one lane: none of them is given up."""
        for lane in self._lanes:
            lane.patience.progressed()

    def fail(self, failure: BaseException) -> None:
        """End all lanes; the first failure is what becomes of the download."""
        with self._failing:
            self._failure = self._failure or failure
        for lane in self._lanes:
            lane.cancel()

    @property
    def failed(self) -> bool:
        """Whether a lane has failed."""
        return self._failure is not None

    def _run(self) -> None:
        threads = [
            threading.Thread(target=lane.run, name="muniment-pull", daemon=True) for lane in self._lanes[1:]
        ]
        for thread in threads:
            thread.start()
        try:
            # The first lane is this thread, so that a signal interrupts it.
            self._lanes[0].run()
            for thread in threads:
                thread.join()
        except BaseException as error:
            self.fail(error)
            raise
        finally:
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure


class _Lane:
    """One stream after the other, for segments of the files."""

    def __init__(
        self, download: Download, open_stub: OpenStub, wanted: Sequence[Segment], direct: DirectLane
    ) -> None:
        self.patience = Patience()
        self._pace = Pace()
        self._slowness = Patience(pace.ATTEMPTS)
        self._download = download
        self._open_stub = open_stub
        self._wanted = deque(wanted)
        self._done = 0
        self._stream: Stream[RangeFrame] | None = None
        self._direct = direct

    def run(self) -> None:
        """Fetch all segments; a failure is told to the download."""
        try:
            self._fetch_directly()
            stub = self._open_stub() if self._wanted else self._download.session.data
            while self._wanted and not self._download.failed:
                try:
                    self._fetch_some(stub)
                except (Unavailable, DeadlineExceeded) as error:
                    if self._download.failed:
                        return
                    # Bytes that come too slowly are no progress.
                    (self._slowness if self._pace.is_late else self.patience).spend(error)
                    # The connection of the session finds a server that has moved, one of our own does not.
                    stub = self._download.session.data
        except (MunimentError, OSError) as error:
            self._download.fail(error)
        except BaseException as error:
            self._download.fail(error)
            raise
        finally:
            self._direct.close()

    def cancel(self) -> None:
        """End the stream, and what comes from the store; from any thread."""
        self._direct.cancel()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def _fetch_directly(self) -> None:
        """Fetch chunks from the store itself, as far as that works; what is left begins where it stopped."""
        while self._wanted and not self._download.failed:
            segment = self._wanted[0]
            file = self._download.files[segment.file]
            for part in segment.parts:
                data = self._direct.get(part, self._upcoming(part)) if part.digest else None
                if data is None:
                    return
                file.write(part.offset, data)
                self._done += part.size
                self._download.progress(part.size)
                self._download.progressed()
                if self._download.failed:
                    return
            file.filled(segment.offset, segment.size)
            self._wanted.popleft()
            self._done = 0

    def _upcoming(self, first: Part) -> list[str]:
        """The digests of the next chunks, from one of the first segment on."""
        following = chain.from_iterable(segment.parts for segment in self._wanted)
        rest = dropwhile(lambda part: part is not first, following)
        return list(dict.fromkeys(part.digest for part in islice(rest, ADDRESSES) if part.digest))

    def _fetch_some(self, stub: DataStub) -> None:
        asked = list(islice(self._wanted, RANGES))
        received = 0
        self._pace.expect(asked[0].size - self._done)
        for frame in self._frames(stub, asked):
            segment = asked[received]
            file = self._download.files[segment.file]
            self._check_place(frame, received, segment, file.listed.path)
            file.write(frame.offset, frame.data)
            self._done += len(frame.data)
            self._download.progress(len(frame.data))
            self._download.progressed()
            if self._done == segment.size:
                file.filled(segment.offset, segment.size)
                self._wanted.popleft()
                self._done = 0
                self._slowness.progressed()
                received += 1
                if received == len(asked):
                    return
                self._pace.expect(asked[received].size)
            else:
                self._pace.check(file.listed.path)
        path = self._download.files[asked[received].file].listed.path
        raise DownloadRefused(f"the registry sent nothing of {path}, or only a part of it")

    def _check_place(self, frame: RangeFrame, index: int, segment: Segment, path: str) -> None:
        position = segment.offset + self._done
        if frame.range_index != index or frame.offset != position or not len(frame.data):
            raise DownloadRefused(
                f"the registry sent {len(frame.data)} bytes for range {frame.range_index} at {frame.offset}, "
                f"while {path} (range {index}) goes on at {position}"
            )
        if self._done + len(frame.data) > segment.size:
            raise DownloadRefused(f"the registry sent more than the {segment.size} bytes of {path} asked for")

    def _frames(self, stub: DataStub, asked: Sequence[Segment]) -> Iterator[RangeFrame]:
        """Frames of segments, the first of them from where it stopped."""
        ranges = [
            pb.ByteRange(
                path=self._download.files[segment.file].listed.path,
                offset=segment.offset,
                length=segment.size,
            )
            for segment in asked
        ]
        ranges[0].offset += self._done
        ranges[0].length -= self._done
        request = pb.ReadRangesRequest(
            parent=self._download.project, digest=self._download.digest, ranges=ranges
        )
        self._stream = stream = self._download.session.calls.stream(stub.read, request)
        try:
            if not self._download.failed:
                yield from stream
        finally:
            stream.cancel()
