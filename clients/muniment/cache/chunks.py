"""Chunks of files that are in the cache, found again for files that are not."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

from muniment.cache.manifests import ManifestStore
from muniment.cache.partial import pieces
from muniment.cache.store import FileStore
from muniment.file_parts import Part, parts
from muniment.manifest import ListedFile

MANIFEST_BYTES = 64 * 1024 * 1024
"""How much of manifests is looked through, those of the last use first."""


class KnownChunks:
    """Where chunks lie in files of the cache. What is there is hashed when it is taken."""

    def __init__(self, files: FileStore, manifests: ManifestStore, wanted: Collection[str]) -> None:
        """Look up chunks by their digests."""
        self._files = files
        self._places: dict[str, tuple[str, int]] = {}
        missing = set(wanted)
        there: dict[str, bool] = {}
        for manifest in manifests.newest(MANIFEST_BYTES):
            if not missing:
                break
            for entry in manifest.files:
                # Most manifests have nothing to do with this one: their files are not looked for.
                if missing.isdisjoint(chunk.digest for chunk in entry.chunks):
                    continue
                if entry.digest not in there:
                    there[entry.digest] = files.has(entry.digest)
                if not there[entry.digest]:
                    continue
                for part in parts(ListedFile(entry.path, entry.digest, entry.size), entry):
                    if part.digest in missing:
                        missing.remove(part.digest)
                        self._places[part.digest] = (entry.digest, part.offset)

    def __contains__(self, part: Part) -> bool:
        return part.digest in self._places

    def copy(self, part: Part, write: Callable[[int, memoryview], None]) -> bool:
        """Write the bytes of a chunk to where they belong; False if they are not there any more.

        What was written then is not the chunk.
        """
        source, offset = self._places[part.digest]
        hasher = hashlib.sha256()
        done = 0
        with suppress(FileNotFoundError), self._opened(source) as descriptor:
            for data in pieces(descriptor, offset, part.size):
                hasher.update(data)
                write(part.offset + done, data)
                done += len(data)
        return done == part.size and f"sha256:{hasher.hexdigest()}" == part.digest

    @contextmanager
    def _opened(self, digest: str) -> Iterator[int]:
        descriptor = os.open(self._files.path(digest), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
