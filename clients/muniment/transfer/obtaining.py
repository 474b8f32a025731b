"""How a pull comes by its files: from the cache, from another process that is receiving them, from the registry.

Every file is received once by all processes that share a cache. Nobody waits while holding something: what others
receive comes last, and who waits takes over from a process that died.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from muniment.cache.cache import Cache
from muniment.cache.chunks import KnownChunks
from muniment.cache.store import FileStore, Lock
from muniment.errors import BytesArchived, Unreachable
from muniment.file_parts import Part, parts
from muniment.manifest import ListedFile
from muniment.registry.session import Session
from muniment.transfer.intake import Intake
from muniment.transfer.places import Places
from muniment.transfer.progress import Progress
from muniment.transfer.receive import Download
from muniment.transfer.reported import Reported
from muniment.transfer.room import with_room
from muniment.v1 import artifact_service_pb2 as pb

ROUND = 256
"""Files whose locks are held at a time: each costs an open file. Fewer where few may be open."""

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

        Raises:
            DownloadRefused: if the manifest gives one digest to files of several sizes.
        """
        self._session = session
        self._project = project
        self._manifest = manifest
        self._cache = cache
        self._store = store
        self._private = private
        self._places = Places(tree, files)
        self._reported = Reported(progress, sum(file.size for file in files))

    def place(self) -> list[str]:
        """Put in place what is in the cache; the digests of the other files.

        Raises:
            OSError: if the disk of the destination refuses.
        """
        return [digest for digest in self._places if not self._placed(digest)]

    def receive(self, missing: Sequence[str], *, asked: bool) -> None:
        """Get the other files.

        Args:
            missing: their digests.
            asked: whether the registry has answered something already.

        Raises:
            BytesArchived: if they were given up.
            DownloadRefused: if what comes is not what the manifest names.
            CannotWrite: if there is no room for them.
            MunimentError: as the server or the connection says.
            OSError: if the disk of the destination refuses.
        """
        if not missing:
            return
        if self._manifest.tier == pb.BYTES_TIER_GONE:
            raise BytesArchived(
                f"the bytes of {self._manifest.digest} were given up: push the same files again, then restore "
                "the version",
                "BYTES_ARCHIVED",
                {"digest": self._manifest.digest, "tier": "GONE"},
            )
        try:
            if not asked:
                # A stream that breaks is taken up again with patience: find out soon that nobody answers.
                self._session.calls.unary(
                    self._session.artifacts.GetCapabilities, pb.GetCapabilitiesRequest()
                )
            self._store = with_room(
                self._store, self._private, self._cache, [self._places.file(digest) for digest in missing]
            )
            self._get(missing)
        except Unreachable as error:
            if self._cache is None:
                raise
            left = sum(not self._places.is_filled(digest) for digest in missing)
            raise Unreachable(
                f"{left} of {len(self._places)} files are not in the cache, and {error.message}"
            ) from error

    def _get(self, missing: Sequence[str]) -> None:
        """Receive what is missing, as far as nobody else does, and wait for the rest."""
        wanted = set(missing)
        chunks = {
            entry.digest: parts(self._places.file(entry.digest), entry)
            for entry in self._manifest.files
            if entry.digest in wanted
        }
        # Once for all rounds: it reads through many manifests.
        known = self._known_chunks(chunks.values())
        most = min(ROUND, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
        pending = list(missing)
        busy_in_a_row = 0
        while pending:
            intake = Intake(
                self._store, self._places, chunks, cache=self._cache, known=known, reported=self._reported
            )
            first = pending[:most]
            busy = self._some(first, intake)
            busy_in_a_row = busy_in_a_row + len(first) if len(busy) == len(first) else 0
            pending = [*pending[most:], *busy]
            if pending and busy_in_a_row >= len(pending):
                self._wait(pending[:most])
                busy_in_a_row = 0

    def _known_chunks(self, wanted: Iterable[Sequence[Part]]) -> KnownChunks | None:
        if self._cache is None:
            return None
        digests = {part.digest for some in wanted for part in some if part.digest}
        return KnownChunks(self._cache.files, self._cache.manifests, digests)

    def _some(self, digests: Sequence[str], intake: Intake) -> list[str]:
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
            missing = [digest for digest in locks if not (self._store.is_shared and self._placed(digest))]
            if missing:
                download = Download(
                    self._session, self._project, self._manifest.digest, self._reported.advance
                )
                intake.receive(missing, locks, download)
        finally:
            for lock in locks.values():
                lock.release()
        return busy

    def _wait(self, busy: Sequence[str]) -> None:
        """Wait until another process has received one of these, or died.

        One that stands still is not waited for: then files are received beside it.
        """
        watched = [self._store.partial(self._places.file(digest)) for digest in busy[:WATCHED]]
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
                self._reported.seen(arrived - seen)
                seen = arrived
                deadline = time.monotonic() + self._session.calls.timeout
            elif time.monotonic() > deadline:
                self._private.make()
                self._store = self._private
                return

    def _placed(self, digest: str) -> bool:
        """Put a file in place everywhere it is wanted, if it is in the cache or was received before."""
        stores = [self._store]
        if self._cache is not None and self._cache.files is not self._store:
            stores.append(self._cache.files)
        if any(self._places.put(store, digest) for store in stores):
            self._reported.advance(self._places.file(digest).size * self._places.copies(digest))
            return True
        return False
