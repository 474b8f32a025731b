"""Collection: what goes, what stays, and what happens to those who store the same bytes meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from muniment.digests import Digest
from muniment.names import ModelName
from muniment_artifact.blobs.whole import put_blob
from muniment_artifact.collection.collect import collect, foresee
from muniment_artifact.collection.findings import KEPT
from muniment_artifact.collection.sweep import NotOurTurn, our_turn
from muniment_artifact.inspection.ruleset import ruleset
from muniment_artifact.manifest import chunks_digest
from muniment_core.db.artifact_store import Chunk, FileProof
from muniment_core.db.collection_store import CondemnedBlob
from muniment_core.db.inspection_store import InspectionRow
from muniment_core.domain.access import SYSTEM
from muniment_core.domain.errors import ManifestNotFound, StorageUnavailable
from muniment_core.domain.tiers import Shelf
from muniment_metadata.versions import delete_version

MODEL = ModelName("default", "churn")
ONE, TWO, THREE = b"one" * 1000, b"two" * 1000, b"three" * 1000
AT_ONCE = timedelta(days=-36_500)
"""A grace period that makes everything old, whatever the clock of the disk says."""
LONG = timedelta(days=3650)


def _default(reader) -> int:
    return reader.projects.require("default").id


def _proof(*chunks: bytes) -> FileProof:
    held = [Chunk(Digest.of(data), len(data)) for data in chunks]
    return FileProof(Digest.of(b"".join(chunks)), chunks_digest(held))


def present(blobs) -> set[str]:
    return {blob.digest.text for blob in blobs.list()}


async def test_what_no_version_needs_goes_after_the_grace_period_and_not_before(client, blobs, run) -> None:
    await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    await client.put([THREE])
    stored = present(blobs)
    untouched = await run(LONG)
    assert (untouched.manifests, untouched.chunks, untouched.blobs) == (0, 0, 0)
    assert present(blobs) == stored
    done = await run()
    assert (done.manifests, done.chunks, done.blobs) == (1, 3, 5)
    assert done.bytes > len(ONE + TWO + THREE)
    assert present(blobs) == set()
    assert len(await client.plan([ONE, TWO, THREE])) == 3


async def test_a_dry_run_foresees_what_a_run_does_and_changes_nothing(
    client, blobs, stores, run, execution, model, register
) -> None:
    kept = await client.push({"a.bin": [ONE]})
    await register(kept.digest)
    await client.push({"b.bin": [TWO]})
    await client.push({"c.bin": [TWO]}, "other")
    put_blob(blobs, b"left over by a crash")
    before = present(blobs)
    foreseen = await foresee(execution, stores, grace=AT_ONCE)
    assert present(blobs) == before
    assert foreseen == await run()
    assert (foreseen.manifests, foreseen.chunks) == (2, 2)
    assert (await foresee(execution, stores, grace=AT_ONCE)).blobs == 0


async def test_the_bytes_of_a_version_stay(client, run, model, register) -> None:
    manifest = await client.push({"a.bin": [ONE, TWO]})
    await register(manifest.digest)
    assert (await run()).blobs == 0
    assert await client.plan([ONE, TWO]) == []
    frames = await client.read(manifest.digest, [("a.bin", 0, 0)])
    assert b"".join(frame.data for frame in frames) == ONE + TWO


async def test_a_deleted_version_gives_its_bytes_back_and_its_record_stays(
    client, blobs, run, execution, model, register
) -> None:
    shared = await client.push({"a.bin": [ONE], "b.bin": [TWO]})
    other = await client.push({"a.bin": [ONE]})
    gone = await register(shared.digest)
    await register(other.digest)
    await execution.record(
        lambda unit: delete_version(unit, gone.name, etag="", principal=SYSTEM), actor="ann"
    )
    done = await run()
    assert (done.manifests, done.chunks) == (1, 1)
    assert Digest.of(TWO).text not in present(blobs)
    assert Digest.of(ONE).text in present(blobs)
    record = await execution.read(
        lambda reader: reader.artifacts.require_manifest(_default(reader), Digest(shared.digest)).body
    )
    assert Digest.of(record).text == shared.digest
    assert (await execution.read(lambda reader: reader.versions.require(gone.name))).digest == shared.digest


async def test_files_whose_bytes_were_given_back_can_be_pushed_again(
    client, run, execution, model, register
) -> None:
    first = await client.push({"a.bin": [ONE, TWO]})
    version = await register(first.digest)
    await execution.record(
        lambda unit: delete_version(unit, version.name, etag="", principal=SYSTEM), actor="ann"
    )
    await run()
    with pytest.raises(ManifestNotFound):
        await register(first.digest)
    again = await client.push({"a.bin": [ONE, TWO]})
    assert again.digest == first.digest
    await register(again.digest)
    await run()
    assert b"".join(frame.data for frame in await client.read(again.digest, [("a.bin", 0, 0)])) == ONE + TWO


async def test_a_blob_goes_when_the_last_project_lets_go(client, blobs, run, model, register) -> None:
    mine = await client.push({"a.bin": [ONE]})
    await client.push({"a.bin": [ONE]}, "other")
    await register(mine.digest)
    done = await run()
    assert (done.manifests, done.chunks, done.blobs) == (1, 1, 0)
    assert Digest.of(ONE).text in present(blobs)
    assert await client.plan([ONE], "other") == [Digest.of(ONE).text]


async def test_a_plan_leases_what_it_says_is_there(client, execution, run) -> None:
    await client.put([ONE])
    # The clock of these tests stands still, so that a lease is always fresh: this one is made old.
    old = timedelta(days=1)
    await execution.note(
        lambda unit: unit.leases.renew(_default(unit), [Digest.of(ONE)], now=unit.now - old) and None
    )
    assert await client.plan([ONE]) == []
    leases = await execution.read(lambda reader: reader.leases.leases(_default(reader), [Digest.of(ONE)]))
    assert leases[Digest.of(ONE)] == (len(ONE), execution.clock())


async def test_a_removal_that_was_cut_short_is_finished_by_whoever_stores_the_same_bytes(
    client, blobs, run, execution
) -> None:
    put_blob(blobs, ONE)

    def doom(unit) -> None:
        unit.collection.condemn([CondemnedBlob(Shelf.HOT, Digest.of(ONE), len(ONE))], now=unit.now)
        assert unit.collection.doom([Shelf.HOT], limit=9)

    await execution.note(doom)
    # This finishes the removal, together with the blob that it had just stored, and asks for it again.
    with pytest.raises(client.Refused) as refused:
        await client.put([ONE])
    assert refused.value.reason == StorageUnavailable.reason
    await client.put([ONE])
    assert Digest.of(ONE).text in present(blobs)
    assert await client.plan([ONE]) == []
    await client.commit([client.file("a.bin", ONE)])
    assert (await run(LONG)).blobs == 0


async def test_a_removal_that_was_cut_short_is_finished_by_the_next_run(
    client, blobs, stores, run, execution
) -> None:
    put_blob(blobs, ONE)

    class Dying:
        def delete(self, digest: Digest) -> None:
            raise StorageUnavailable("artifacts")

        def __getattr__(self, name: str):
            return getattr(blobs, name)

    with pytest.raises(StorageUnavailable):
        await collect(execution, {**stores, Shelf.HOT: Dying()}, grace=AT_ONCE)
    assert Digest.of(ONE).text in present(blobs)
    assert (await run(LONG)).blobs == 1
    assert present(blobs) == set()


async def test_what_was_found_out_long_ago_is_forgotten_and_found_out_again(client, execution, run) -> None:
    await client.push({"a.bin": [ONE, TWO], "b.bin": [TWO, ONE]})
    kept, old = _proof(ONE, TWO), _proof(TWO, ONE)
    long_ago = execution.clock() - KEPT - timedelta(seconds=1)
    inspected = InspectionRow(
        digest=old.digest.text, format="OTHER", verdict="CLEAN", report=b"{}", inspect_time=long_ago
    )

    def proven(reader) -> set[FileProof]:
        return reader.artifacts.proven(_default(reader), [kept, old])

    def known(reader, rules: str) -> bool:
        return bool(list(reader.inspections.find(_default(reader), [old.digest.text], ruleset=rules)))

    def make_old(unit) -> None:
        assert proven(unit) == {kept, old}
        key = {"digest": old.digest.text, "chunks_digest": old.chunks_digest.text}
        unit.findings.forget_proofs([{"project_id": _default(unit), **key}])
        assert proven(unit) == {kept}
        unit.artifacts.add_proofs(_default(unit), [old], now=long_ago)
        unit.inspections.put(_default(unit), [inspected], ruleset=ruleset())
        unit.inspections.put(_default(unit), [inspected], ruleset="of the past")

    await execution.note(make_old)
    await run(LONG)
    assert await execution.read(proven) == {kept}
    assert await execution.read(lambda reader: known(reader, ruleset()))
    assert not await execution.read(lambda reader: known(reader, "of the past"))
    await client.commit([client.file("b.bin", TWO, ONE)])
    assert await execution.read(proven) == {kept, old}


async def test_the_turn_that_was_given_back_can_be_taken_at_once(execution) -> None:
    for _ in range(50):
        async with our_turn(execution):
            pass


async def test_one_process_collects_at_a_time(execution, run) -> None:
    async with our_turn(execution):
        with pytest.raises(NotOurTurn):
            await run()
    await run()


async def test_pushes_beside_a_collector_that_never_rests_are_whole(
    client, stores, execution, model, register
) -> None:
    """Everything that is not registered goes at any moment; what is registered is whole all the same."""
    stop, registered = asyncio.Event(), []
    rounds = 0

    async def collecting() -> None:
        nonlocal rounds
        while not stop.is_set():
            await collect(execution, stores, grace=AT_ONCE)
            rounds += 1
            await asyncio.sleep(0.02)

    async def pushing(number: int) -> None:
        for attempt in itertools.count():
            try:
                manifest = await client.push({"a.bin": [ONE, b"%d-%d" % (number, attempt)], "b.bin": [TWO]})
                await register(manifest.digest)
            except (client.Refused, ManifestNotFound):
                continue
            registered.append(manifest.digest)
            if rounds > 2:
                return

    collector = asyncio.create_task(collecting())
    try:
        async with asyncio.timeout(120):
            await asyncio.gather(*(pushing(number) for number in range(6)))
    finally:
        stop.set()
        await collector
    for digest in registered:
        frames = await client.read(digest, [("a.bin", 0, 0), ("b.bin", 0, 0)])
        assert TWO in b"".join(frame.data for frame in frames)
