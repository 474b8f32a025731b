"""How a pull comes by its files: from the cache, from another process that is receiving them, from the registry.

Every file is received once by all processes that share a cache. Nobody waits while holding something: what others
receive comes last, and who waits takes over from a process that died.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from muniment.cache.cache import Cache
from muniment.cache.chunks import KnownChunks
from muniment.cache.linking import Linker
from muniment.cache.partial import Partial
from muniment.cache.store import FileStore, Lock
from muniment.errors import CannotWrite, DownloadRefused, Unreachable
from muniment.registry.session import Session
from muniment.transfer.arriving import ArrivingFile
from muniment.transfer.manifest import ListedFile
from muniment.transfer.progress import Progress
from muniment.transfer.receive import Download
from muniment.transfer.segments import Part, Segment, parts, segments
from muniment.v1 import artifact_service_pb2 as pb

ROUND = 256
"""Files whose locks are held at a time: each costs an open file."""

POLL_SECONDS = 0.1
WATCHED = 16
"""Files of another process whose progress is looked at."""


class Obtaining:
    """Fills a directory with the files of a manifest."""

    def __init__(
        self,
        session: Session,
        project: str,
        manifest: pb.Manifest,
        files: Sequence[ListedFile],
        *,
        tree: Path,
        cache: Cache | None,
        store: FileStore,
        private: FileStore,
        progress: Progress,
    ) -> None:
        """Remember what is to be done.

        Args:
            session: where files come from that are not here.
            project: resource name of the project that holds the manifest.
            manifest: of the files, which were checked.
            files: all files it names.
            tree: the directory to fill.
            cache: where files may be already.
            store: where files go that are received, the cache's or ``private``.
            private: a store of this pull alone.
            progress: told of bytes that are there.
        """
        self._session = session
        self._download = (project, manifest.digest)
        self._tree = tree
        self._cache = cache
        self._store = store
        self._private = private
        self._progress = progress
        self._linker = Linker()
        self._telling = threading.Lock()
        self._credit = 0
        self._untold = sum(file.size for file in files)
        self._wanted = _by_digest(files)
        self._parts = {
            file.digest: parts(file, entry) for file, entry in zip(files, manifest.files, strict=True)
        }

    def place(self) -> list[str]:
        """Put in place what is in the cache; the digests of the other files.

        Raises:
            OSError: if the disk of the destination refuses.
        """
        return [digest for digest in self._wanted if not self._put_from_cache(digest)]

    def receive(self, missing: Sequence[str], *, asked: bool) -> None:
        """Get the other files.

        Args:
            missing: their digests.
            asked: whether the registry has answered something already.

        Raises:
            DownloadRefused: if what comes is not what the manifest names.
            CannotWrite: if the cache takes no more.
            MunimentError: as the server or the connection says.
            OSError: if the disk of the destination refuses.
        """
        try:
            if missing and not asked:
                # A stream that breaks is taken up again with patience: find out soon that nobody answers.
                self._session.calls.unary(
                    self._session.artifacts.GetCapabilities, pb.GetCapabilitiesRequest()
                )
            self._get(missing)
        except Unreachable as error:
            if self._cache is None:
                raise
            left = sum(not self._is_placed(digest) for digest in missing)
            raise Unreachable(
                f"{left} of {len(self._wanted)} files are not in the cache, and {error.message}"
            ) from error

    def _get(self, missing: Sequence[str]) -> None:
        """Receive what is missing, as far as nobody else does, and wait for the rest."""
        pending = list(missing)
        busy_in_a_row = 0
        while pending:
            first = pending[:ROUND]
            busy = self._some(first)
            busy_in_a_row = busy_in_a_row + len(first) if len(busy) == len(first) else 0
            pending = [*pending[ROUND:], *busy]
            if pending and busy_in_a_row >= len(pending):
                self._wait(pending[:ROUND])
                busy_in_a_row = 0

    def _some(self, digests: Sequence[str]) -> list[str]:
        """Receive those of these files that nobody else does; the others."""
        locks: dict[str, Lock] = {}
        busy: list[str] = []
        try:
            for digest in digests:
                lock = self._store.lock(digest)
                if lock is None:
                    busy.append(digest)
                else:
                    locks[digest] = lock
            # Somebody else may have received them since we looked.
            self._receive([digest for digest in locks if not self._put_from_cache(digest)], locks)
        finally:
            for lock in locks.values():
                lock.release()
        return busy

    def _wait(self, busy: Sequence[str]) -> None:
        """Wait until another process has received one of these, or died. One that stands still is not waited for:
        then these are received beside it."""
        watched = [self._partial(digest) for digest in busy[:WATCHED]]
        seen = 0
        deadline = time.monotonic() + self._session.calls.timeout
        while True:
            time.sleep(POLL_SECONDS)
            for digest in busy:
                lock = self._store.lock(digest)
                if lock is not None:
                    lock.release()
                    return
            arrived = sum(partial.arrived_bytes() for partial in watched)
            if arrived > seen:
                with self._telling:
                    self._credit += arrived - seen
                    self._tell(arrived - seen)
                seen = arrived
                deadline = time.monotonic() + self._session.calls.timeout
            elif time.monotonic() > deadline:
                self._private.make()
                self._store = self._private
                return

    def _receive(self, digests: Sequence[str], locks: dict[str, Lock]) -> None:
        """Receive files whose locks are held; each lock goes as soon as its file is in place."""
        if not digests:
            return
        known = self._known_chunks(digests)
        arriving: list[ArrivingFile] = []
        wanted: list[Segment] = []
        try:
            for digest in digests:
                file, missing = self._begun(digest, known, locks)
                wanted += segments(len(arriving), missing)
                arriving.append(file)
            Download(self._session, *self._download, self._advance).fetch(arriving, wanted)
        except OSError as error:
            # A disk that is full has better uses for them.
            for file in arriving:
                file.discard()
            if self._cache is not None and self._store is self._cache.files and error.filename is None:
                raise CannotWrite(
                    f"the cache in {self._cache.settings.directory} cannot be written: {error.strerror}"
                ) from error
            raise
        finally:
            for file in arriving:
                file.close()

    def _begun(
        self, digest: str, known: KnownChunks | None, locks: dict[str, Lock]
    ) -> tuple[ArrivingFile, list[Part]]:
        """A file with all that is there of it without a registry, and its other parts."""
        listed = self._wanted[digest][0]
        partial = self._partial(digest)
        kept = partial.recover(self._parts[digest])
        partial.begin(kept)
        file = ArrivingFile(
            listed,
            partial,
            resumed=bool(kept),
            durable=self._store.durable(listed),
            arrived=self._admitting(digest, partial, locks),
        )
        try:
            self._filled(file, kept)
            there = set(kept)
            missing = [part for part in self._parts[digest] if part not in there]
            if not self._parts[digest]:
                file.filled(0, 0)
            return file, self._from_known(file, missing, known)
        except BaseException:
            file.close()
            raise

    def _known_chunks(self, digests: Iterable[str]) -> KnownChunks | None:
        if self._cache is None:
            return None
        chunks = [part.digest for digest in digests for part in self._parts[digest] if part.digest]
        return KnownChunks(self._cache.files, self._cache.manifests, chunks)

    def _from_known(self, file: ArrivingFile, missing: list[Part], known: KnownChunks | None) -> list[Part]:
        """Copy the chunks that other files of the cache have; the parts that are left."""
        found = [part for part in missing if known is not None and part in known]
        if known is None or not found:
            return missing
        copied: set[Part] = set()

        def copy(part: Part) -> None:
            if known.copy(part, file.put):
                file.note(part.offset, part.size)
                copied.add(part)
                self._filled(file, [part])

        # Two at a time: one hashes the chunk while the other hashes the file.
        with ThreadPoolExecutor(2, thread_name_prefix="muniment-reuse") as threads:
            for done in [threads.submit(copy, part) for part in found]:
                done.result()
        return [part for part in missing if part not in copied]

    def _filled(self, file: ArrivingFile, there: Iterable[Part]) -> None:
        for part in there:
            file.filled(part.offset, part.size)
            self._advance(part.size)

    def _admitting(self, digest: str, partial: Partial, locks: dict[str, Lock]) -> Callable[[], None]:
        def admit() -> None:
            file = self._wanted[digest][0]
            self._store.admit(file, partial)
            if not self._put(self._store, digest, fresh=True):
                raise CannotWrite(f"{file.path} vanished from {partial.path.parent} while it was pulled")
            locks[digest].release()
            self._advance(file.size * (len(self._wanted[digest]) - 1))

        return admit

    def _put_from_cache(self, digest: str) -> bool:
        """Put a file in place everywhere it is wanted, if it is in the cache or was received before."""
        stores = {id(store): store for store in (self._cache and self._cache.files, self._store) if store}
        if any(self._put(store, digest) for store in stores.values()):
            self._advance(sum(file.size for file in self._wanted[digest]))
            return True
        return False

    def _put(self, store: FileStore, digest: str, *, fresh: bool = False) -> bool:
        for count, file in enumerate(self._wanted[digest]):
            if not store.put(file, self._tree / file.path, self._linker, fresh=fresh):
                for placed in self._wanted[digest][:count]:
                    (self._tree / placed.path).unlink()
                return False
        return True

    def _is_placed(self, digest: str) -> bool:
        return (self._tree / self._wanted[digest][-1].path).exists()

    def _partial(self, digest: str) -> Partial:
        return self._store.partial(self._wanted[digest][0])

    def _advance(self, count: int) -> None:
        """Tell of bytes, but not again of those that another process was seen to receive; from any thread."""
        with self._telling:
            used = min(self._credit, count)
            self._credit -= used
            self._tell(count - used)

    def _tell(self, count: int) -> None:
        """What another process begins anew is seen twice: no more is told than there is."""
        count = min(count, self._untold)
        self._untold -= count
        if count:
            self._progress(count)


def _by_digest(files: Iterable[ListedFile]) -> dict[str, list[ListedFile]]:
    """The files that have the same bytes, together.

    Raises:
        DownloadRefused: if files with one digest differ in size.
    """
    found: dict[str, list[ListedFile]] = {}
    for file in files:
        found.setdefault(file.digest, []).append(file)
    for same in found.values():
        for one, other in itertools.pairwise(same):
            if one.size != other.size:
                raise DownloadRefused(
                    f"{one.path} and {other.path} have one digest, while one has {one.size} bytes and the other "
                    f"{other.size}"
                )
    return found
