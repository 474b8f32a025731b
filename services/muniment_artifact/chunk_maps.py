"""Chunk maps that were read lately: a pull asks for a file in thousands of ranges, and each needs the map."""

from __future__ import annotations

from cachetools import LRUCache
from muniment.digests import Digest
from muniment_core.db.artifact_store import ManifestRecord

from muniment_artifact.manifest import FileEntry

MAX_KEPT = 300_000
"""Files and chunks of all maps, of which one has 272,144 at most. Each takes some 300 bytes."""

Files = tuple[FileEntry, ...]


class ChunkMaps:
    """Keeps what chunk maps say.

    They are known by their digests, so nothing that is kept becomes wrong. Who may see it is decided before, by
    reading the manifest's record, and whether the map is still in the store is found by those who look for damage.
    """

    def __init__(self, *, most: int = MAX_KEPT) -> None:
        self._kept: LRUCache[Digest, Files] = LRUCache(most, _weight)

    def get(self, record: ManifestRecord) -> Files | None:
        """The files of a manifest, if its chunk map is kept."""
        return self._kept.get(record.chunk_map.digest)

    def keep(self, record: ManifestRecord, files: Files) -> None:
        """Keep the files that were read from a manifest's chunk map."""
        if _weight(files) <= self._kept.maxsize:
            self._kept[record.chunk_map.digest] = files


def _weight(files: Files) -> int:
    return len(files) + sum(len(file.chunks) for file in files)
