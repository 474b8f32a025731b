"""What the tables of the artifact service promise, on each database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from muniment.digests import Digest
from muniment_core.db.artifact_store import ArtifactStore, Chunk, FileProof, ManifestRecord
from muniment_core.db.artifact_tables import manifest_chunks, manifests
from muniment_core.db.project_store import ProjectStore
from muniment_core.domain.errors import ManifestNotFound
from sqlalchemy import func, select

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CHUNKS = [Chunk(Digest.of(b"%d" % number), number + 1) for number in range(1_201)]


def _record(body: bytes = b"{}", chunk_map: bytes = b"map") -> ManifestRecord:
    return ManifestRecord(
        digest=Digest.of(body),
        body=body,
        config_digest=Digest.of(b"config"),
        chunk_map=Chunk(Digest.of(chunk_map), len(chunk_map)),
        size_bytes=7,
        file_count=2,
    )


@pytest.fixture
def project_ids(database, execution) -> tuple[int, int]:
    """Two projects."""
    with database.reading() as connection:
        store = ProjectStore(connection)
        return store.require("default").id, store.require("other").id


def test_chunks_are_held_by_the_project_that_added_them_alone(database, project_ids) -> None:
    one, other = project_ids
    with database.writing() as connection:
        ArtifactStore(connection).add_chunks(one, CHUNKS, now=NOW, epoch=0)
        ArtifactStore(connection).add_chunks(other, CHUNKS[:1], now=NOW, epoch=0)
    with database.reading() as connection:
        store = ArtifactStore(connection)
        asked = [chunk.digest for chunk in CHUNKS] + [Digest.of(b"absent")]
        assert store.held(one, asked) == {chunk.digest: chunk.size for chunk in CHUNKS}
        assert store.held(other, asked) == {CHUNKS[0].digest: 1}
        assert store.held(one, []) == {}


def test_adding_again_changes_nothing(database, project_ids) -> None:
    one, _ = project_ids
    proof = FileProof(Digest.of(b"file"), Digest.of(b"list"))
    for _ in range(2):
        with database.writing() as connection:
            store = ArtifactStore(connection)
            store.add_chunks(one, CHUNKS[:3], now=NOW, epoch=0)
            store.add_proofs(one, [proof], now=NOW)
            assert (
                store.add_manifest(one, _record(), chunks=[CHUNKS[0].digest], now=NOW, epoch=0) == _record()
            )
    with database.reading() as connection:
        assert len(ArtifactStore(connection).held(one, [chunk.digest for chunk in CHUNKS])) == 3
        assert connection.execute(select(func.count()).select_from(manifests)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(manifest_chunks)).scalar_one() == 1


def test_a_proof_is_of_one_project_and_of_both_its_digests(database, project_ids) -> None:
    one, other = project_ids
    proofs = [FileProof(Digest.of(b"%d" % number), Digest.of(b"list")) for number in range(700)]
    other_list = FileProof(proofs[0].digest, Digest.of(b"another list"))
    with database.writing() as connection:
        ArtifactStore(connection).add_proofs(one, proofs, now=NOW)
    with database.reading() as connection:
        store = ArtifactStore(connection)
        assert store.proven(one, [*proofs, other_list]) == set(proofs)
        assert store.proven(other, proofs) == set()


def test_the_first_chunk_map_of_a_manifest_stays(database, project_ids) -> None:
    one, _ = project_ids
    with database.writing() as connection:
        store = ArtifactStore(connection)
        store.add_manifest(one, _record(), chunks=[], now=NOW, epoch=0)
        assert store.add_manifest(one, _record(chunk_map=b"other"), chunks=[], now=NOW, epoch=0) == _record()


def test_a_manifest_is_found_in_its_project_alone(database, project_ids) -> None:
    one, other = project_ids
    with database.writing() as connection:
        ArtifactStore(connection).add_manifest(one, _record(), chunks=[], now=NOW, epoch=0)
    with database.reading() as connection:
        store = ArtifactStore(connection)
        assert store.require_manifest(one, _record().digest) == _record()
        summary = store.require_summary(one, _record().digest)
        assert (summary.size_bytes, summary.file_count) == (7, 2)
        for find in (store.require_manifest, store.require_summary):
            with pytest.raises(ManifestNotFound):
                find(other, _record().digest)


def test_writers_that_add_one_manifest_at_once_all_get_it(database, project_ids) -> None:
    one, _ = project_ids
    with database.writing() as connection:
        ArtifactStore(connection).add_chunks(one, CHUNKS[:600], now=NOW, epoch=0)
    barrier = threading.Barrier(3)
    found: list[ManifestRecord] = []

    def add() -> None:
        barrier.wait(timeout=30)
        with database.writing() as connection:
            digests = [chunk.digest for chunk in CHUNKS[:600]]
            found.append(
                ArtifactStore(connection).add_manifest(one, _record(), chunks=digests, now=NOW, epoch=0)
            )

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [_record()] * 3
    with database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(manifest_chunks)).scalar_one() == 600
