"""What a project holds: chunks, proven files and manifests. Every question names the project.

Writes are idempotent by content: adding what is there already changes nothing, also when another replica adds
it at the same moment, because the unique constraint decides and not a look beforehand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from muniment.digests import Digest
from sqlalchemy import BigInteger, Connection, Table, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from muniment_core.db.artifact_tables import (
    cold_chunks,
    held_chunks,
    manifest_chunks,
    manifests,
    verified_files,
)
from muniment_core.db.collection_store import CollectionStore
from muniment_core.domain.errors import BytesDamaged, ManifestNotFound
from muniment_core.domain.tiers import Shelf, Tier

_T = TypeVar("_T")

# SQLite takes 32,766 parameters in one statement and PostgreSQL 65,535; pairs take two each. Statements of
# one shape are compiled once, so a fixed slice also keeps the compiled cache small.
_SLICE = 500


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of bytes by content.

    Attributes:
        size: in bytes, at least 1.
    """

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class FileProof:
    """Says that the chunks of a list, put together, have a digest.

    Attributes:
        digest: of the whole file.
        chunks_digest: of the list of chunks, see :func:`muniment_artifact.manifest.chunks_digest`.
    """

    digest: Digest
    chunks_digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestSummary:
    """What a version needs to know of a manifest."""

    digest: Digest
    size_bytes: int
    file_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestRecord:
    """A manifest as it is kept.

    Attributes:
        digest: of ``body``.
        body: canonical JSON of the OCI image manifest.
        chunk_map: the blob that tells of which chunks the files are made.
        tier: where its chunks are.
    """

    digest: Digest
    body: bytes
    config_digest: Digest
    chunk_map: Chunk
    size_bytes: int
    file_count: int
    tier: Tier = Tier.HOT


_IS_HELD = (
    held_chunks.c.project_id == bindparam("project_id"),
    held_chunks.c.digest.in_(bindparam("digests", expanding=True)),
    held_chunks.c.damage_time.is_(None),
)
_HELD = select(held_chunks.c.digest, held_chunks.c.size).where(*_IS_HELD)
# Projects share blobs: what is damaged or repaired, is so for all of them.
_DAMAGE = (
    update(held_chunks)
    .where(
        held_chunks.c.digest.in_(bindparam("digests", expanding=True)),
        held_chunks.c.damage_time.is_(None),
    )
    .values(damage_time=bindparam("now"))
)
_REPAIR = (
    update(held_chunks)
    .where(
        held_chunks.c.digest.in_(bindparam("digests", expanding=True)),
        held_chunks.c.damage_time.is_not(None),
    )
    .values(damage_time=None)
)
_DAMAGED = (
    select(held_chunks.c.digest)
    .join(manifest_chunks, manifest_chunks.c.chunk_id == held_chunks.c.id)
    .join(manifests, manifests.c.id == manifest_chunks.c.manifest_id)
    .where(
        held_chunks.c.project_id == bindparam("project_id"),
        held_chunks.c.damage_time.is_not(None),
        manifests.c.project_id == bindparam("project_id"),
        manifests.c.digest == bindparam("digest"),
    )
)
_PROVEN = select(verified_files.c.digest, verified_files.c.chunks_digest).where(
    verified_files.c.project_id == bindparam("project_id"),
    tuple_(verified_files.c.digest, verified_files.c.chunks_digest).in_(bindparam("proofs", expanding=True)),
)
_MANIFEST = select(manifests).where(
    manifests.c.project_id == bindparam("project_id"), manifests.c.digest == bindparam("digest")
)
_SUMMARY = select(manifests.c.size_bytes, manifests.c.file_count).where(
    manifests.c.project_id == bindparam("project_id"), manifests.c.digest == bindparam("digest")
)
_RENEW_MANIFEST = (
    update(manifests)
    .where(manifests.c.project_id == bindparam("of_project"), manifests.c.digest == bindparam("of_files"))
    .values(lease_time=bindparam("now"))
)
_ADD_MANIFEST_CHUNKS = insert(manifest_chunks).from_select(
    ["manifest_id", "chunk_id"],
    select(bindparam("manifest_id", type_=BigInteger), held_chunks.c.id).where(
        held_chunks.c.project_id == bindparam("project_id"),
        held_chunks.c.digest.in_(bindparam("digests", expanding=True)),
    ),
)


def _add_to(table: Table) -> dict[str, Insert]:
    return {
        "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
    }


def _hold(dialect: Any) -> Insert:
    adding = dialect.insert(held_chunks)
    now_held = {"damage_time": None, "lease_time": adding.excluded.lease_time}
    held: Insert = adding.on_conflict_do_update(index_elements=["project_id", "digest"], set_=now_held)
    return held


_ADD_CHUNKS = {"sqlite": _hold(sqlite), "postgresql": _hold(postgresql)}
_ADD_PROOFS = _add_to(verified_files)
# RETURNING answers nothing when the row was there already, so exactly one of several writers goes on.
_ADD_MANIFEST = {name: statement.returning(manifests.c.id) for name, statement in _add_to(manifests).items()}


class ArtifactStore:
    """Reads and writes what projects hold, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self, project_id: int, digests: Iterable[Digest]) -> dict[Digest, int]:
        """Those of the chunks that the project holds undamaged, as far as is known, with their sizes."""
        found: dict[Digest, int] = {}
        for texts in _slices(digest.text for digest in digests):
            rows = self._connection.execute(_HELD, {"project_id": project_id, "digests": texts})
            found.update((Digest(row.digest), row.size) for row in rows)
        return found

    def add_chunks(self, project_id: int, chunks: Sequence[Chunk], *, now: datetime, epoch: int) -> None:
        """Note that the project holds chunks, whose blobs are durable and right: that repairs damaged ones.

        Args:
            project_id: who holds them.
            chunks: which.
            now: the time of the transaction.
            epoch: of collection, from before the blobs were stored, or were last seen to be there.

        Raises:
            CollectedMeanwhile: if one of the blobs may have been removed since.
        """
        self._claim((chunk.digest for chunk in chunks), epoch)
        self.repair(chunk.digest for chunk in chunks)
        rows = [
            {
                "project_id": project_id,
                "digest": chunk.digest.text,
                "size": chunk.size,
                "add_time": now,
                "lease_time": now,
            }
            for chunk in chunks
        ]
        self._add(_ADD_CHUNKS, rows)

    def damage(self, digests: Iterable[Digest], *, now: datetime) -> None:
        """Note that blobs were found gone or wrong; no project holds them any more."""
        for texts in _slices(digest.text for digest in digests):
            self._connection.execute(_DAMAGE, {"digests": texts, "now": now})

    def repair(self, digests: Iterable[Digest]) -> None:
        """Note that blobs were found, or made, right again."""
        for texts in _slices(digest.text for digest in digests):
            self._connection.execute(_REPAIR, {"digests": texts})

    def damaged(self, project_id: int, digest: Digest) -> list[Digest]:
        """The chunks of a manifest that are known to be damaged."""
        return [
            Digest(text) for text in self._connection.execute(_DAMAGED, _key(project_id, digest)).scalars()
        ]

    def proven(self, project_id: int, proofs: Iterable[FileProof]) -> set[FileProof]:
        """Those of the proofs that the project has."""
        found: set[FileProof] = set()
        for pairs in _slices((proof.digest.text, proof.chunks_digest.text) for proof in proofs):
            rows = self._connection.execute(_PROVEN, {"project_id": project_id, "proofs": pairs})
            found.update(FileProof(Digest(row.digest), Digest(row.chunks_digest)) for row in rows)
        return found

    def add_proofs(self, project_id: int, proofs: Sequence[FileProof], *, now: datetime) -> None:
        """Note that files of several chunks were read and have their digests."""
        self._add(
            _ADD_PROOFS,
            [
                {
                    "project_id": project_id,
                    "digest": proof.digest.text,
                    "chunks_digest": proof.chunks_digest.text,
                    "add_time": now,
                }
                for proof in proofs
            ],
        )

    def add_manifest(
        self, project_id: int, record: ManifestRecord, *, chunks: Iterable[Digest], now: datetime, epoch: int
    ) -> ManifestRecord:
        """Keep a manifest and return the one kept, an earlier one of the same digest if there is any.

        An earlier one whose chunks are not at hand is made of these from now on.

        Args:
            project_id: who holds it.
            record: the manifest.
            chunks: every chunk of its files, without repeats; the project must hold them.
            now: the time of the transaction.
            epoch: of collection, from before config and chunk map were stored.

        Raises:
            CollectedMeanwhile: if one of those may have been removed since.
        """
        self._claim((record.config_digest, record.chunk_map.digest), epoch)
        row = {**_key(project_id, record.digest), **_columns(record), "add_time": now, "lease_time": now}
        statement = _ADD_MANIFEST[self._connection.dialect.name]
        manifest_id = self._connection.execute(statement, row).scalar_one_or_none()
        if manifest_id is not None:
            self._add_manifest_chunks(project_id, manifest_id, chunks)
            return record
        kept = self.require_manifest(project_id, record.digest)
        if kept.tier is Tier.HOT:
            renewed = {"of_project": project_id, "of_files": record.digest.text, "now": now}
            self._connection.execute(_RENEW_MANIFEST, renewed)
            return kept
        self._rechunk(project_id, record, chunks, now)
        return self.require_manifest(project_id, record.digest)

    def rechunk_manifest(
        self, project_id: int, record: ManifestRecord, *, chunks: Iterable[Digest], now: datetime, epoch: int
    ) -> ManifestRecord:
        """Say of which chunks the files of a manifest are made from now on; the files stay the same.

        Raises:
            CollectedMeanwhile: as :meth:`add_manifest`.
        """
        self._claim((record.config_digest, record.chunk_map.digest), epoch)
        self._rechunk(project_id, record, chunks, now)
        return self.require_manifest(project_id, record.digest)

    def _rechunk(
        self, project_id: int, record: ManifestRecord, chunks: Iterable[Digest], now: datetime
    ) -> None:
        statement = (
            update(manifests)
            .where(manifests.c.project_id == project_id, manifests.c.digest == record.digest.text)
            .values(
                chunk_map_digest=record.chunk_map.digest.text,
                chunk_map_size=record.chunk_map.size,
                tier=Tier.HOT,
                lease_time=now,
            )
            .returning(manifests.c.id)
        )
        manifest_id = self._connection.execute(statement).scalar_one()
        for made_of in (manifest_chunks, cold_chunks):
            self._connection.execute(delete(made_of).where(made_of.c.manifest_id == manifest_id))
        self._add_manifest_chunks(project_id, manifest_id, chunks)

    def require_manifest(self, project_id: int, digest: Digest) -> ManifestRecord:
        """The manifest of a digest.

        Raises:
            ManifestNotFound: if the project holds none, whatever other projects hold.
        """
        row = self._connection.execute(_MANIFEST, _key(project_id, digest)).one_or_none()
        if row is None:
            raise ManifestNotFound(digest.text)
        return ManifestRecord(
            digest=Digest(row.digest),
            body=bytes(row.body),
            config_digest=Digest(row.config_digest),
            chunk_map=Chunk(Digest(row.chunk_map_digest), row.chunk_map_size),
            size_bytes=row.size_bytes,
            file_count=row.file_count,
            tier=Tier(row.tier),
        )

    def require_summary(self, project_id: int, digest: Digest) -> ManifestSummary:
        """Size and number of files of a manifest, without its body.

        Raises:
            ManifestNotFound: if the project holds none.
            BytesDamaged: if one of its chunks is known to be gone or wrong.
        """
        row = self._connection.execute(_SUMMARY, _key(project_id, digest)).one_or_none()
        if row is None:
            raise ManifestNotFound(digest.text)
        for damaged in self.damaged(project_id, digest):
            raise BytesDamaged(damaged.text, "they were found gone or wrong")
        return ManifestSummary(digest=digest, size_bytes=row.size_bytes, file_count=row.file_count)

    def _claim(self, digests: Iterable[Digest], epoch: int) -> None:
        CollectionStore(self._connection).claim(Shelf.HOT, digests, epoch=epoch)

    def _add_manifest_chunks(self, project_id: int, manifest_id: int, chunks: Iterable[Digest]) -> None:
        for texts in _slices(digest.text for digest in chunks):
            self._connection.execute(
                _ADD_MANIFEST_CHUNKS, {"manifest_id": manifest_id, "project_id": project_id, "digests": texts}
            )

    def _add(self, statements: dict[str, Insert], rows: Sequence[dict[str, object]]) -> None:
        if rows:
            self._connection.execute(statements[self._connection.dialect.name], rows)


def _key(project_id: int, digest: Digest) -> dict[str, object]:
    return {"project_id": project_id, "digest": digest.text}


def _columns(record: ManifestRecord) -> dict[str, object]:
    return {
        "body": record.body,
        "config_digest": record.config_digest.text,
        "chunk_map_digest": record.chunk_map.digest.text,
        "chunk_map_size": record.chunk_map.size,
        "size_bytes": record.size_bytes,
        "file_count": record.file_count,
    }


def _slices(values: Iterable[_T]) -> Iterator[list[_T]]:
    remaining = iter(values)
    while part := list(islice(remaining, _SLICE)):
        yield part
