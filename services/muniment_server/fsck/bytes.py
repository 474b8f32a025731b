"""The bytes: every blob that anything refers to is there and, if asked, is what its name says."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from muniment.digests import Digest, InvalidDigest
from muniment.file_paths import FILE_PATH
from muniment_artifact.blobs.store import BlobStore
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.blobs.whole import get_blob
from muniment_artifact.collection.sweep import Stores
from muniment_artifact.manifest import distinct_chunks, read_chunk_map
from muniment_core.db.audit.artifacts import ArtifactRows
from muniment_core.domain.errors import BytesDamaged
from muniment_core.domain.tiers import Shelf, Tier

from muniment_server.fsck.difference import Difference, compare, shown
from muniment_server.fsck.owned import OwnedRows

MANIFESTS, CHUNKS, BLOBS = "manifests", "held_chunks", "blobs"
MANIFEST_CHUNKS, COLD_CHUNKS = "manifest_chunks", "cold_chunks"
READERS = 4
"""Blobs read at once with ``--bytes``: hashing keeps two cores busy, the rest waits for the store."""

_Noted = Mapping[Tier, set[Any]]
"""Digest, size and project of the chunks a manifest is noted to be made of."""


class BytesCheck:
    """One pass over manifests and blobs.

    Attributes:
        blobs: how many blobs were looked at.
    """

    def __init__(
        self,
        rows: ArtifactRows,
        stores: Stores,
        *,
        read: bool,
        still_held: Callable[[Shelf, str], bool],
        still_manifest: Callable[[int, str], bool],
        progress: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """
        Args:
            rows: the tables.
            stores: where the blobs are.
            read: whether to read and hash them, and not only to look whether they are there.
            still_held: whether a chunk is to be in a store now; asked for one that is not there, as a
                running server may have collected it since the tables were read.
            still_manifest: the same of a manifest in its tier.
            progress: told how many blobs were looked at.
        """
        self._rows = rows
        self._stores = stores
        self._store = stores[Shelf.HOT]
        self._read = read
        self._still_held = still_held
        self._still_manifest = still_manifest
        self._progress = progress
        self.blobs = 0

    def run(self) -> Iterator[Difference]:
        """Everything that differs."""
        yield from self._manifests()
        yield from self._chunks()
        yield from self._looked_at(
            Shelf.COLD, COLD_CHUNKS, self._rows.cold_blobs(), "it is of an archived version"
        )

    def _manifests(self) -> Iterator[Difference]:
        tiers = (
            (Tier.HOT, OwnedRows(MANIFEST_CHUNKS, self._rows.manifest_chunks(), owner="manifest_id")),
            (Tier.COLD, OwnedRows(COLD_CHUNKS, self._rows.cold_chunks(), owner="manifest_id")),
        )
        for row in self._rows.manifests():
            key = f"{row.in_project}/{row.digest}"
            noted = {
                tier: {(chunk.digest, chunk.size, chunk.project_id) for chunk in chunks.of(row.id)}
                for tier, chunks in tiers
            }
            hashed = Digest.of(row.body).text if type(row.body) is bytes else "nothing"
            if hashed != row.digest:
                yield Difference(MANIFESTS, key, "body", f"hashes to {hashed}", "that is not its digest")
                continue
            try:
                found = list(self._manifest(key, row, noted))
                if found and self._still_manifest(row.id, row.tier):
                    yield from found
            except (ValueError, KeyError, TypeError) as error:
                yield Difference(MANIFESTS, key, "body", f"is no manifest ({error})")
        for _, chunks in tiers:
            yield from chunks.strays()

    def _manifest(self, key: str, row: Any, noted: _Noted) -> Iterator[Difference]:
        manifest = json.loads(row.body)
        config, layers = manifest["config"], manifest["layers"]
        yield from compare(
            MANIFESTS,
            key,
            row._mapping,
            {
                "config_digest": config["digest"],
                "size_bytes": sum(layer["size"] for layer in layers),
                "file_count": len(layers),
            },
            by="its body",
        )
        if row.tier not in list(Tier):
            yield Difference(MANIFESTS, key, "tier", f"is {shown(row.tier)}", "that is none")
        elif row.tier == Tier.GONE:
            yield from _compare_chunks(key, row.tier, set(), noted, "it gave its bytes up")
        else:
            why = f"it is the config of manifest {key}"
            yield from self._blob(self._store, digest_of(config["digest"]), config["size"], why)
            yield from self._chunk_map(key, row, manifest, noted)

    def _chunk_map(self, key: str, row: Any, manifest: Any, noted: _Noted) -> Iterator[Difference]:
        """The chunk map is what tells of which chunks the files are made, so it is always read."""
        self.blobs += 1
        try:
            files = read_chunk_map(get_blob(self._store, digest_of(row.chunk_map_digest), row.chunk_map_size))
        except (BytesDamaged, InvalidDigest) as error:
            yield Difference(
                BLOBS,
                shown(row.chunk_map_digest),
                "",
                f"is damaged ({error})",
                f"it is the chunk map of manifest {key}",
            )
            return
        told = [
            (layer["annotations"][FILE_PATH], layer["digest"], layer["size"]) for layer in manifest["layers"]
        ]
        mapped = [(file.path, file.digest.text, file.size) for file in files]
        if mapped != told:
            yield Difference(
                MANIFESTS, key, "chunk_map_digest", "names a chunk map of other files", "its body says which"
            )
            return
        needed = {
            (chunk.digest.text, chunk.size, row.project_id) for chunk in distinct_chunks(files).values()
        }
        yield from _compare_chunks(key, row.tier, needed, noted, f"it is {row.tier} by its chunk map")

    def _chunks(self) -> Iterator[Difference]:
        for row in self._rows.damaged():
            says = "nobody has sent it again since it was found damaged"
            yield Difference(CHUNKS, row.digest, "damage_time", f"is {shown(row.damage_time)}", says)
        yield from self._looked_at(Shelf.HOT, CHUNKS, self._rows.blobs(), "a project holds it")

    def _looked_at(self, shelf: Shelf, table: str, rows: Iterator[Any], why: str) -> Iterator[Difference]:
        """The blobs of a store that rows name, several at once."""
        waiting: deque[tuple[str, Future[list[Difference]]]] = deque()

        def settled() -> list[Difference]:
            digest, future = waiting.popleft()
            found = future.result()
            return found if found and self._still_held(shelf, digest) else []

        with ThreadPoolExecutor(READERS) as pool:
            for row in rows:
                if row.least != row.most:
                    yield Difference(
                        table, row.digest, "size", f"is {row.least}", f"elsewhere it is {row.most}"
                    )
                looking = pool.submit(self._chunk, self._stores[shelf], table, row.digest, row.most, why)
                waiting.append((row.digest, looking))
                while len(waiting) > 4 * READERS:
                    yield from settled()
            while waiting:
                yield from settled()

    def _chunk(self, store: BlobStore, table: str, text: str, size: int, why: str) -> list[Difference]:
        try:
            return list(self._blob(store, digest_of(text), size, why))
        except InvalidDigest as error:
            return [Difference(table, shown(text), "digest", f"is none ({error})")]

    def _blob(self, store: BlobStore, digest: Digest, size: int, why: str) -> Iterator[Difference]:
        self.blobs += 1
        self._progress(self.blobs)
        if self._read:
            try:
                verify_blob(store, digest, size)
            except BytesDamaged as error:
                yield Difference(BLOBS, digest.text, "", f"is damaged ({error})", why)
            return
        found = store.stat(digest)
        if found is None:
            yield Difference(BLOBS, digest.text, "", "is missing", why)
        elif found.size != size:
            yield Difference(BLOBS, digest.text, "size", f"is {found.size}", f"{why} as {size} bytes")


def _compare_chunks(key: str, tier: str, needed: set[Any], noted: _Noted, says: str) -> Iterator[Difference]:
    """The chunks a manifest is noted to be made of, in its tier and nowhere else."""
    for place, table in ((Tier.HOT, MANIFEST_CHUNKS), (Tier.COLD, COLD_CHUNKS)):
        expected = needed if place == tier else set()
        for chunk in sorted(expected - noted[place]):
            yield Difference(table, key, "", f"lacks chunk {chunk[0]}", says)
        for chunk in sorted(noted[place] - expected, key=str):
            yield Difference(table, key, "", f"has chunk {shown(chunk)}", says)


def digest_of(text: object) -> Digest:
    """A digest as a table has it.

    Raises:
        InvalidDigest: if it is none.
    """
    return Digest.parse(text if isinstance(text, str) else repr(text))
