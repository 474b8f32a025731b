"""The cold tier: what moves there and when, and what comes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_artifact.blobs.late import LateStore
from muniment_artifact.blobs.verified import verify_blob
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.collection.collect import foresee
from muniment_artifact.read import files_of
from muniment_core.domain.catalog import VersionState
from muniment_core.domain.errors import BytesArchived, ManifestNotFound, StorageUnavailable
from muniment_core.domain.tiers import Shelf
from muniment_metadata.lifecycle import archive_version, restore_version

ONE, TWO, THREE = b"one" * 1000, b"two" * 1000, b"three" * 1000
AT_ONCE, LONG = timedelta(days=-36_500), timedelta(days=3650)

pytestmark = pytest.mark.usefixtures("model")


@pytest.fixture
def archive(execution):
    """Archives a version; `archive(version)`."""

    async def doing(version):
        return await execution.record(
            lambda unit: archive_version(unit, version.name, etag="", reason="obsolete"), actor="ann"
        )

    return doing


@pytest.fixture
def restore(client, execution):
    """Restores a version as the metadata service does; `restore(version)`."""

    async def doing(version):
        answer = await client.call("RestoreManifest", _of(version.digest, pb.RestoreManifestRequest))
        restored = await execution.record(
            lambda unit: restore_version(unit, version.name, etag="", reason=""), actor="ann"
        )
        assert restored.state is VersionState.READY
        return answer

    return doing


def _of(digest: str, request):
    return request(parent="projects/default", digest=digest)


def present(store) -> set[str]:
    return {blob.digest.text for blob in store.list()}


async def content(client, digest: str, path: str = "a.bin") -> bytes:
    return b"".join(frame.data for frame in await client.read(digest, [(path, 0, 0)]))


async def test_the_bytes_of_an_archived_version_move_after_the_grace_period_and_come_back(
    client, blobs, cold, run, register, archive, restore
) -> None:
    manifest = await client.push({"a.bin": [ONE, TWO]})
    version = await register(manifest.digest)
    await archive(version)
    assert (await run(LONG)).archived_manifests == 0
    assert await content(client, manifest.digest) == ONE + TWO
    done = await run()
    assert (done.archived_manifests, done.archived_bytes) == (1, len(ONE + TWO))
    assert (done.chunks, done.blobs, done.bytes) == (2, 2, len(ONE + TWO))
    chunks = {Digest.of(ONE).text, Digest.of(TWO).text}
    assert present(cold) == chunks
    assert not present(blobs) & chunks
    with pytest.raises(client.Refused) as refused:
        await content(client, manifest.digest)
    assert (refused.value.reason, refused.value.facts["tier"]) == (BytesArchived.reason, "COLD")
    told = await client.call("GetManifest", _of(manifest.digest, pb.GetManifestRequest))
    assert (manifest.tier, told.tier) == (pb.BYTES_TIER_HOT, pb.BYTES_TIER_COLD)
    told.tier = manifest.tier
    assert told == manifest
    answer = await restore(version)
    assert (answer.chunk_count, answer.copied_bytes) == (2, len(ONE + TWO))
    assert await content(client, manifest.digest) == ONE + TWO
    # Copies in the cold tier are orphans now.
    again = await run()
    assert (again.archived_manifests, again.blobs) == (0, 2)
    assert present(cold) == set()
    assert await content(client, manifest.digest) == ONE + TWO


async def test_chunks_that_other_versions_need_stay_at_hand(
    client, blobs, cold, run, register, archive, restore
) -> None:
    base = await client.push({"a.bin": [ONE]})
    tuned = await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    await register(base.digest)
    version = await register(tuned.digest)
    await archive(version)
    done = await run()
    assert (done.archived_manifests, done.chunks) == (1, 1)
    assert present(cold) == {Digest.of(ONE).text, Digest.of(TWO).text}
    assert Digest.of(ONE).text in present(blobs)
    assert await content(client, base.digest) == ONE
    assert (await restore(version)).copied_bytes == len(TWO)
    assert await content(client, tuned.digest, "b.bin") == TWO


async def test_a_manifest_stays_while_another_version_of_it_is_ready(client, run, register, archive) -> None:
    manifest = await client.push({"a.bin": [ONE]})
    first, second = await register(manifest.digest), await register(manifest.digest)
    await archive(first)
    assert (await run()).archived_manifests == 0
    assert await content(client, manifest.digest) == ONE
    await archive(second)
    assert (await run()).archived_manifests == 1


async def test_what_is_restored_before_it_moved_is_read_and_stays(
    client, run, register, archive, restore
) -> None:
    version = await register((await client.push({"a.bin": [ONE]})).digest)
    await archive(version)
    assert (await restore(version)).copied_bytes == 0
    assert (await run()).archived_manifests == 0


async def test_what_was_pushed_again_is_at_hand_again(client, cold, run, register, archive, restore) -> None:
    manifest = await client.push({"a.bin": [ONE]})
    version = await register(manifest.digest)
    await archive(version)
    await run()
    with pytest.raises(ManifestNotFound):
        await register(manifest.digest)
    assert await client.plan([ONE]) == [Digest.of(ONE).text]
    assert (await client.push({"a.bin": [ONE]})).digest == manifest.digest
    await register(manifest.digest)
    assert (await restore(version)).copied_bytes == 0
    await run()
    assert present(cold) == set()


async def test_bytes_that_are_dropped_come_back_by_pushing_them(
    client, blobs, cold, run, register, archive, restore
) -> None:
    manifest = await client.push({"a.bin": [ONE]})
    version = await register(manifest.digest)
    await archive(version)
    done = await run(drop_archived=True)
    assert (done.manifests, done.archived_manifests) == (1, 0)
    assert present(blobs) == present(cold) == set()
    with pytest.raises(client.Refused) as refused:
        await restore(version)
    assert (refused.value.reason, refused.value.facts["tier"]) == (BytesArchived.reason, "GONE")
    await client.push({"a.bin": [ONE]})
    await restore(version)
    assert await content(client, manifest.digest) == ONE


async def test_what_is_known_of_files_stays_when_their_bytes_are_given_up(
    client, run, register, archive
) -> None:
    manifest = await client.push({"b/c.bin": [ONE, TWO], "b.bin": [THREE], "empty": []})
    await archive(await register(manifest.digest))
    assert (await run(drop_archived=True)).manifests == 1
    told = await client.call("GetManifest", _of(manifest.digest, pb.GetManifestRequest))
    assert told.tier == pb.BYTES_TIER_GONE
    assert (told.digest, told.body, told.size_bytes) == (manifest.digest, manifest.body, manifest.size_bytes)
    assert told.root_digest == manifest.root_digest
    for file in manifest.files:
        file.ClearField("chunks")
        file.ClearField("chunking")
    assert list(told.files) == list(manifest.files)
    for method, request in (
        ("VerifyManifest", pb.VerifyManifestRequest),
        ("InspectManifest", pb.InspectManifestRequest),
        ("RestoreManifest", pb.RestoreManifestRequest),
    ):
        with pytest.raises(client.Refused) as refused:
            await client.call(method, _of(manifest.digest, request))
        assert (refused.value.reason, refused.value.facts["tier"]) == (BytesArchived.reason, "GONE")
    with pytest.raises(client.Refused) as refused:
        await content(client, manifest.digest, "b.bin")
    assert refused.value.reason == BytesArchived.reason


async def test_a_manifest_whose_bytes_are_given_up_while_it_is_read_is_told_without_them(
    client, run, register, archive, monkeypatch
) -> None:
    manifest = await client.push({"a.bin": [ONE]})
    await archive(await register(manifest.digest))
    read, loop = files_of, asyncio.get_running_loop()

    def given_up_meanwhile(blobs, record):
        monkeypatch.setattr("muniment_artifact.read.files_of", read)
        asyncio.run_coroutine_threadsafe(run(drop_archived=True), loop).result()
        return read(blobs, record)

    monkeypatch.setattr("muniment_artifact.read.files_of", given_up_meanwhile)
    told = await client.call("GetManifest", _of(manifest.digest, pb.GetManifestRequest))
    assert (told.tier, told.body) == (pb.BYTES_TIER_GONE, manifest.body)


async def test_dropping_reaches_what_is_in_the_cold_tier(client, cold, run, register, archive) -> None:
    await archive(await register((await client.push({"a.bin": [ONE]})).digest))
    await run()
    assert present(cold) == {Digest.of(ONE).text}
    assert (await run(drop_archived=True)).manifests == 1
    assert present(cold) == set()


async def test_a_dry_run_foresees_what_archiving_does(
    client, stores, execution, run, register, archive
) -> None:
    await archive(await register((await client.push({"a.bin": [ONE], "b.bin": [TWO]})).digest))
    await register((await client.push({"a.bin": [ONE]})).digest)
    foreseen = await foresee(execution, stores, grace=AT_ONCE)
    assert foreseen == await run()
    assert (foreseen.archived_manifests, foreseen.chunks, foreseen.blobs) == (1, 1, 1)


async def test_damage_in_the_cold_tier_is_named_and_the_version_stays_archived(
    client, cold, run, register, archive, restore, execution
) -> None:
    version = await register((await client.push({"a.bin": [ONE], "b.bin": [TWO]})).digest)
    await archive(version)
    await run()
    cold.delete(Digest.of(TWO))
    with pytest.raises(client.Refused) as refused:
        await restore(version)
    assert refused.value.reason == "BYTES_DAMAGED"
    assert refused.value.facts["digest"] == Digest.of(TWO).text
    state = (await execution.read(lambda reader: reader.versions.require(version.name))).state
    assert state is VersionState.ARCHIVED
    await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    await restore(version)


async def test_a_manifest_with_damaged_chunks_stays_where_it_is(
    client, blobs, cold, run, register, archive
) -> None:
    broken = await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    whole = await client.push({"a.bin": [THREE]})
    for manifest in (broken, whole):
        await archive(await register(manifest.digest))
    blobs.delete(Digest.of(TWO))
    done = await run()
    assert done.archived_manifests == 1
    assert Digest.of(THREE).text in present(cold)
    assert Digest.of(ONE).text in present(blobs)


async def test_a_cold_tier_that_fails_half_way_is_gone_on_with(
    client, blobs, cold, stores, execution, run, register, archive, restore
) -> None:
    manifest = await client.push({"a.bin": [ONE, TWO, THREE]})
    version = await register(manifest.digest)
    await archive(version)

    class Failing:
        def create(self, digest: Digest, size: int):
            if digest == Digest.of(THREE):
                raise StorageUnavailable("artifacts")
            return cold.create(digest, size)

        def __getattr__(self, name: str):
            return getattr(cold, name)

    before = dict(stores)
    stores[Shelf.COLD] = Failing()
    with pytest.raises(StorageUnavailable):
        await run()
    assert await content(client, manifest.digest) == ONE + TWO + THREE
    stores.update(before)
    assert (await run()).archived_manifests == 1
    await restore(version)
    assert await content(client, manifest.digest) == ONE + TWO + THREE


async def test_a_copy_in_the_cold_tier_that_rotted_is_made_anew_before_what_is_at_hand_goes(
    client, cold, run, register, archive, restore
) -> None:
    first = await register((await client.push({"a.bin": [ONE]})).digest)
    second = await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    version = await register(second.digest)
    await archive(first)
    await run()
    rotten = cold_path(client, ONE)
    rotten.chmod(0o600)
    rotten.write_bytes(b"x" * len(ONE))
    await archive(version)
    assert (await run()).archived_manifests == 1
    await restore(version)
    await restore(first)
    assert await content(client, second.digest) == ONE


def cold_path(client, data: bytes):
    """Where the cold tier keeps a blob."""
    at_hand = client.blob_path(data)
    return at_hand.parents[3] / "cold" / at_hand.relative_to(at_hand.parents[3])


async def test_what_is_restored_is_noted_on_the_way(
    client, cold, run, register, archive, restore, monkeypatch
) -> None:
    monkeypatch.setattr("muniment_artifact.restore.NOTED_CHUNKS", 1)
    manifest = await client.push({"a.bin": [ONE, TWO, THREE]})
    version = await register(manifest.digest)
    await archive(version)
    await run()
    data = cold_path(client, THREE).read_bytes()
    cold.delete(Digest.of(THREE))
    with pytest.raises(client.Refused):
        await restore(version)
    # What came back is held, and is not collected as long as it is leased.
    assert await client.plan([ONE, TWO, THREE]) == [Digest.of(THREE).text]
    put_blob(cold, data)
    assert (await restore(version)).copied_bytes == len(THREE)
    assert await content(client, manifest.digest) == ONE + TWO + THREE


async def test_a_cold_tier_that_is_away_keeps_nothing_else_from_being_collected(
    client, blobs, stores, run, register, archive
) -> None:
    await archive(await register((await client.push({"a.bin": [ONE]})).digest))
    await client.push({"b.bin": [TWO]})

    def away():
        raise StorageUnavailable("artifacts")

    stores[Shelf.COLD] = LateStore(away)
    with pytest.raises(StorageUnavailable):
        await run()
    assert Digest.of(TWO).text not in present(blobs)
    assert Digest.of(ONE).text in present(blobs)


async def test_who_reads_what_goes_to_the_cold_tier_is_told_that_and_nothing_is_called_damaged(
    client, blobs, run, register, archive, restore, execution, monkeypatch
) -> None:
    manifest = await client.push({"a.bin": [ONE]})
    version = await register(manifest.digest)
    await archive(version)
    verified = verify_blob

    def moved_meanwhile(store, digest: Digest, size: int) -> None:
        asyncio.run_coroutine_threadsafe(run(), loop).result()
        verified(store, digest, size)

    loop = asyncio.get_running_loop()
    monkeypatch.setattr("muniment_artifact.verify.verify_blob", moved_meanwhile)
    with pytest.raises(client.Refused) as refused:
        await client.call("VerifyManifest", _of(manifest.digest, pb.VerifyManifestRequest))
    assert refused.value.reason == BytesArchived.reason
    await restore(version)
    assert await client.plan([ONE]) == []
