"""Commits that name much: other calls go on meanwhile, and what was proven once is not read again."""

from __future__ import annotations

import asyncio
import threading

import pytest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_artifact import tiling

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def test_other_calls_are_answered_while_a_commit_is_checked(client, monkeypatch) -> None:
    begun, release = threading.Event(), threading.Event()
    released_in_time: list[bool] = []

    def check_slowly(files, limits) -> None:
        begun.set()
        released_in_time.append(release.wait(20))
        tiling.check_files(files, limits)

    monkeypatch.setattr("muniment_artifact.commit.check_files", check_slowly)
    await client.put([b"x"])
    commit = asyncio.create_task(client.commit([client.file("model", b"x")]))
    await client.until(begun.is_set, "the commit was never checked")
    await client.call("GetCapabilities", pb.GetCapabilitiesRequest())
    release.set()
    assert (await commit).size_bytes == 1
    assert released_in_time == [True]


@pytest.mark.parametrize("slice_size", [1, 3])
async def test_a_commit_looked_up_in_slices_is_the_same(client, monkeypatch, slice_size: int) -> None:
    chunks = [b"%d" % number for number in range(7)]
    files = {f"file-{number}": [chunks[number], chunks[(number + 1) % 7]] for number in range(7)}
    whole = await client.push(files)
    monkeypatch.setattr("muniment_artifact.commit.SLICE", slice_size)
    assert await client.push(files) == whole
    absent = client.file("absent", b"a", b"b")
    with pytest.raises(client.Refused) as refused:
        await client.commit([*(client.file(path, *parts) for path, parts in files.items()), absent])
    assert (refused.value.reason, refused.value.facts["path"]) == ("CHUNK_MISSING", "absent")


async def test_too_many_chunks_are_refused(client, limits) -> None:
    crowded = client.file("crowded", b"x")
    crowded.chunks.extend([client.chunk(b"x")] * limits.max_commit_chunks)
    with pytest.raises(client.Refused) as refused:
        await client.commit([crowded])
    assert (refused.value.reason, refused.value.facts["field"]) == ("LIMIT_EXCEEDED", "files.chunks")


async def test_what_a_failed_commit_had_proven_is_not_read_again(client, monkeypatch) -> None:
    monkeypatch.setattr("muniment_artifact.prove.NOTED_BYTES", 1)
    await client.put([b"one", b"two", b"three"])
    true, lie = client.file("a", b"one", b"two"), client.file("b", b"two", b"three")
    lie.digest = true.digest
    with pytest.raises(client.Refused) as refused:
        await client.commit([true, lie])
    assert refused.value.reason == "DIGEST_MISMATCH"
    path = client.blob_path(b"one")
    path.unlink()
    path.write_bytes(b"eno")
    await client.commit([true])
