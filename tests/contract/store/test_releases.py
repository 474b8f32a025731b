"""What collection lets go in one transaction is bounded by what that removes, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from muniment.digests import Digest
from muniment_core.db import release_store
from muniment_core.db.artifact_store import Chunk, ManifestRecord
from muniment_core.db.database import Database
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.tiers import Policy

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MIB = 1024 * 1024


def record(number: int, size: int) -> ManifestRecord:
    digest = Digest.of(str(number).encode())
    return ManifestRecord(
        digest=digest,
        body=b"{}",
        config_digest=digest,
        chunk_map=Chunk(digest, 2),
        size_bytes=size,
        file_count=1,
    )


def test_of_large_manifests_few_go_at_once_and_one_at_least(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_store, "MOST_CHUNK_ROWS", 100)
    sizes = [0, 0, 40 * MIB, 40 * MIB, 1_000 * MIB, 0, 0]
    with database.writing() as connection:
        reader = Reader(connection, NOW)
        project = reader.projects.create("p", description="", now=NOW, revision=1)
        for number, size in enumerate(sizes):
            reader.artifacts.add_manifest(project.id, record(number, size), chunks=(), now=NOW, epoch=0)
    policy, after, found = Policy(NOW + timedelta(days=1)), 0, []
    with database.reading() as connection:
        releases = Reader(connection, NOW).releases
        while ids := releases.leaving_manifests(policy, after=after, limit=4):
            found.append(len(ids))
            after = ids[-1]
    assert found == [4, 1, 2]
