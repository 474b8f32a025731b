"""Bytes that are found gone or wrong are asked for again, and whoever sends them repairs them for everybody."""

from __future__ import annotations

import random

import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_core.db.artifact_store import ArtifactStore
from muniment_core.db.project_store import ProjectStore
from muniment_core.domain.errors import BytesDamaged

A, B = random.Random(1).randbytes(250_000), random.Random(2).randbytes(170_000)
DIGEST_A = Digest.of(A).text


@pytest.fixture
async def manifest(client) -> pb.Manifest:
    """A manifest of two projects."""
    files = {"model": [A, B], "card": [b"hello"]}
    await client.push(files, "other")
    return await client.push(files)


def _damage(path, data: bytes | None) -> None:
    path.unlink()
    if data is not None:
        path.write_bytes(data)


async def _verify(client, manifest: pb.Manifest, project: str = "default") -> pb.VerifyManifestResponse:
    request = pb.VerifyManifestRequest(parent=f"projects/{project}", digest=manifest.digest)
    return await client.call("VerifyManifest", request)


@pytest.mark.parametrize("found_by", ["reading", "verifying"])
async def test_damage_that_was_found_is_asked_for_and_repaired_in_every_project(
    client, manifest, found_by: str
) -> None:
    _damage(client.blob_path(A), bytes(len(A)))
    assert await client.plan([A, B]) == []
    finding = {
        "reading": client.read(manifest.digest, [("model", 0, 0)]),
        "verifying": _verify(client, manifest),
    }
    with pytest.raises(client.Refused) as refused:
        await finding.pop(found_by)
    for unused in finding.values():
        unused.close()
    assert refused.value.reason == "BYTES_DAMAGED"
    assert await client.plan([A, B]) == [DIGEST_A] == await client.plan([A, B], "other")
    with pytest.raises(client.Refused) as refused:
        await client.commit([client.file("model", A, B)])
    assert refused.value.reason == "CHUNK_MISSING"
    await client.put([A], "other")
    assert await client.plan([A, B]) == [] == await client.plan([A, B], "other")
    assert (await _verify(client, manifest)).chunk_count == 3


@pytest.mark.parametrize("kind", ["gone", "short"])
async def test_a_commit_of_bytes_that_are_gone_is_refused_and_sending_them_repairs(
    client, manifest, kind: str
) -> None:
    _damage(client.blob_path(A), None if kind == "gone" else A[:-1])
    with pytest.raises(client.Refused) as refused:
        await client.commit([client.file("model", A, B), client.file("card", b"hello")])
    assert refused.value.reason == "CHUNK_MISSING"
    assert refused.value.facts == {"digest": DIGEST_A, "path": "model"}
    assert await client.plan([A, B]) == [DIGEST_A]
    assert await client.push({"model": [A, B], "card": [b"hello"]}) == manifest


@pytest.mark.parametrize("lost", ["chunk", "chunk map"])
async def test_other_chunks_of_the_same_files_take_the_place_of_lost_ones(
    client, manifest, lost: str
) -> None:
    known = {client.blob_path(data).name for data in (A, B, b"hello")}
    for path in client.blob_path(A).parents[1].glob("*/*"):
        if path == client.blob_path(A) if lost == "chunk" else path.name not in known:
            _damage(path, None)
    files = {"model": [A[:100], A[100:], B], "card": [b"hello"]}
    again = await client.push(files)
    assert again.digest == manifest.digest
    assert [chunk.size for chunk in again.files[1].chunks] == [100, len(A) - 100, len(B)]
    assert (await _verify(client, manifest)).chunk_count == 4
    assert b"".join(frame.data for frame in await client.read(manifest.digest, [("model", 0, 0)])) == A + B


async def test_bytes_brought_back_by_the_operator_count_again_once_verified(client, manifest) -> None:
    _damage(client.blob_path(A), None)
    with pytest.raises(client.Refused):
        await _verify(client, manifest)
    client.blob_path(A).write_bytes(A)
    await _verify(client, manifest)
    assert await client.plan([A, B]) == []


async def test_no_version_is_made_of_a_manifest_known_to_be_damaged(client, manifest, database) -> None:
    _damage(client.blob_path(A), None)
    with pytest.raises(client.Refused):
        await _verify(client, manifest)
    with database.reading() as connection:
        for name in ("default", "other"):
            project_id = ProjectStore(connection).require(name).id
            with pytest.raises(BytesDamaged, match=DIGEST_A):
                ArtifactStore(connection).require_summary(project_id, Digest(manifest.digest))
