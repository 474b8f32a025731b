"""Receiving files: what is there of them already is proven and kept, the rest comes over the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from muniment.cache.cache import Cache
from muniment.cache.chunks import KnownChunks
from muniment.cache.partial import Partial
from muniment.cache.store import FileStore, Lock
from muniment.errors import CannotWrite
from muniment.file_parts import Part
from muniment.transfer.arriving import ArrivingFile
from muniment.transfer.places import Places
from muniment.transfer.receive import Download
from muniment.transfer.reported import Reported
from muniment.transfer.segments import Segment, segments


class Intake:
    """Receives files whose locks are held."""

    def __init__(
        self,
        store: FileStore,
        places: Places,
        parts: Mapping[str, Sequence[Part]],
        *,
        cache: Cache | None,
        known: KnownChunks | None,
        reported: Reported,
    ) -> None:
        """Remember where files go.

        Args:
            store: what they are received in.
            places: what they are put in from there.
            parts: the chunks of each digest's file.
            cache: the one that ``store`` may be of.
            known: chunks that need not be fetched.
            reported: told of bytes that are there.
        """
        self._store = store
        self._places = places
        self._parts = parts
        self._cache = cache
        self._known = known
        self._reported = reported

    def receive(self, digests: Sequence[str], locks: Mapping[str, Lock], download: Download) -> None:
        """Receive files; each lock goes as soon as its file is in place.

        Raises:
            DownloadRefused: if what comes is not what the manifest names.
            CannotWrite: if the cache takes no more.
            MunimentError: as the server or the connection says.
            OSError: if the disk of the destination refuses.
        """
        arriving: list[ArrivingFile] = []
        wanted: list[Segment] = []
        try:
            for digest in digests:
                file, missing = self._begun(digest, locks)
                wanted += segments(len(arriving), missing)
                arriving.append(file)
            download.fetch(arriving, wanted)
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

    def _begun(self, digest: str, locks: Mapping[str, Lock]) -> tuple[ArrivingFile, list[Part]]:
        """A file with all that is there of it without a registry, and its other parts."""
        listed, parts = self._places.file(digest), self._parts[digest]
        partial = self._store.partial(listed)
        kept = partial.recover(parts)
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
            if not parts:
                file.filled(0, 0)
            there = set(kept)
            return file, self._from_known(file, [part for part in parts if part not in there])
        except BaseException:
            file.close()
            raise

    def _from_known(self, file: ArrivingFile, missing: list[Part]) -> list[Part]:
        """Copy the chunks that other files of the cache have; the parts that are left."""
        known = self._known
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
            self._reported.advance(part.size)

    def _admitting(self, digest: str, partial: Partial, locks: Mapping[str, Lock]) -> Callable[[], None]:
        def admit() -> None:
            file = self._places.file(digest)
            self._store.admit(file, partial)
            if not self._places.put(self._store, digest, fresh=True):
                raise CannotWrite(f"{file.path} vanished from {partial.path.parent} while it was pulled")
            locks[digest].release()
            self._reported.advance(file.size * (self._places.copies(digest) - 1))

        return admit
