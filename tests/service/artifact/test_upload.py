"""Storing: plan, put, commit, over gRPC, on each database."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import grpc
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb

A, B, C = (random.Random(seed).randbytes(3_000_000) for seed in (1, 2, 3))
ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what is refused before any database is asked."""

SMALL = [b"chunk %d" % number for number in range(100)]


async def test_what_is_pushed_can_be_read_back(client) -> None:
    files = {"model.bin": [A, B], "config.json": [b"{}"], "empty": []}
    manifest = await client.push(files)
    assert manifest.digest == Digest.of(manifest.body).text
    assert [entry.path for entry in manifest.files] == ["config.json", "empty", "model.bin"]
    assert manifest.size_bytes == len(A) + len(B) + 2
    received = await client.read(manifest.digest, [(path, 0, 0) for path in files])
    for index, chunks in enumerate(files.values()):
        assert b"".join(frame.data for frame in received if frame.range_index == index) == b"".join(chunks)


async def test_capabilities_tell_the_limits_that_hold(client, limits) -> None:
    told = await client.call("GetCapabilities", pb.GetCapabilitiesRequest())
    assert told.max_chunk_bytes == limits.max_chunk_bytes
    assert told.max_frame_bytes == limits.max_frame_bytes == 1024 * 1024
    assert (told.max_files, told.max_plan_chunks) == (limits.max_files, limits.max_plan_chunks)
    assert told.max_unacked_bytes == limits.max_unacked_bytes


class TestPlan:
    async def test_only_what_the_project_lacks_is_asked_for_in_order_and_once(self, client) -> None:
        assert await client.plan([A, B, A]) == [Digest.of(A).text, Digest.of(B).text]
        await client.put([A])
        assert await client.plan([C, A, B]) == [Digest.of(C).text, Digest.of(B).text]

    async def test_what_another_project_holds_is_missing_all_the_same(self, client) -> None:
        await client.push({"model": [A]}, "other")
        assert await client.plan([A]) == [Digest.of(A).text]

    async def test_thousands_of_chunks_are_planned_at_once(self, client) -> None:
        chunks = [b"%d" % number for number in range(3_000)]
        await client.put(chunks[1_000:1_100])
        expected = [Digest.of(data).text for data in chunks[:1_000] + chunks[1_100:]]
        assert await client.plan(chunks) == expected

    @ON_ONE_DATABASE
    @pytest.mark.parametrize(
        ("request_", "reason", "field"),
        [
            (pb.PlanUploadRequest(parent="projects/default", chunks=[pb.Chunk(digest="sha256:x", size=1)]),
             "INVALID_FIELD", "chunks[0].digest"),
            (pb.PlanUploadRequest(
                parent="projects/default", chunks=[pb.Chunk(digest=Digest.of(A).text, size=0)]
             ), "INVALID_FIELD", "chunks[0].size"),
            (pb.PlanUploadRequest(
                parent="projects/default", chunks=[pb.Chunk(digest=Digest.of(A).text, size=4_000_001)]
             ), "LIMIT_EXCEEDED", "chunks[0].size"),
            (pb.PlanUploadRequest(
                parent="projects/default", chunks=[pb.Chunk(digest=Digest.of(A).text, size=1)] * 10_001
             ), "LIMIT_EXCEEDED", "chunks"),
            (pb.PlanUploadRequest(parent="../x"), "INVALID_NAME", "parent"),
        ],
    )  # fmt: skip
    async def test_a_bad_request_names_its_field(self, client, request_, reason: str, field: str) -> None:
        with pytest.raises(client.Refused) as refused:
            await client.call("PlanUpload", request_)
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert refused.value.facts["field"] == field

    async def test_an_unknown_project_is_not_found(self, client) -> None:
        with pytest.raises(client.Refused) as refused:
            await client.plan([A], "nowhere")
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "PROJECT_NOT_FOUND")


class TestPut:
    async def test_each_chunk_is_acknowledged_once_and_in_order(self, client) -> None:
        assert await client.put([A, B, *SMALL]) == [Digest.of(data).text for data in (A, B, *SMALL)]
        assert client.blob_path(B).read_bytes() == B
        assert await client.plan([A, B, *SMALL]) == []

    async def test_the_same_chunk_may_be_sent_again(self, client) -> None:
        assert await client.put([A, A]) == [Digest.of(A).text] * 2
        assert await client.put([A], "other") == [Digest.of(A).text]
        assert await client.plan([A], "other") == []

    async def test_the_parent_may_ride_on_the_first_frame(self, client) -> None:
        messages = client.frames(A, 1_000_000)
        messages[0].parent = "projects/default"
        assert await client.put_messages(messages) == [Digest.of(A).text]

    async def test_a_client_that_waits_for_each_acknowledgement_gets_it(self, client) -> None:
        stream = client.open_put()
        await stream.write(pb.PutChunksRequest(parent="projects/default"))
        for data in (A, b"x", B):
            for message in client.frames(data, 1_000_000):
                await stream.write(message)
            acknowledged = await stream.read()
            assert (acknowledged.digest, acknowledged.size) == (Digest.of(data).text, len(data))
        await stream.done_writing()
        assert await stream.read() == grpc.aio.EOF

    async def test_many_more_bytes_than_may_be_unacknowledged_pass_through(self, client, limits) -> None:
        chunks = [random.Random(seed).randbytes(limits.max_chunk_bytes) for seed in range(5)]
        assert len(await client.put(chunks * 2)) == 10

    async def test_a_wrong_chunk_ends_the_stream_and_the_acknowledgements_before_it_hold(
        self, client
    ) -> None:
        wrong = client.frames(B, 1_000_000)
        wrong[1].data = bytes(len(wrong[1].data))
        opening = pb.PutChunksRequest(parent="projects/default")
        with pytest.raises(client.Refused) as refused:
            await client.put_messages(
                [opening, *client.frames(A, 1_000_000), *wrong, *client.frames(C, 1_000_000)]
            )
        assert (refused.value.code, refused.value.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "DIGEST_MISMATCH",
        )
        assert refused.value.facts["declared"] == Digest.of(B).text
        assert refused.value.acknowledged == [Digest.of(A).text]
        assert Digest.of(A).text not in await client.plan([A, B])
        assert Digest.of(B).text in await client.plan([A, B])
        assert not client.blob_path(B).exists()

    @ON_ONE_DATABASE
    @pytest.mark.parametrize(
        ("damage", "reason"),
        [
            (lambda frames: frames[1:], "INVALID_FIELD"),
            (lambda frames: [frames[0], frames[2]], "FRAME_OUT_OF_ORDER"),
            (lambda frames: [frames[0], frames[0], *frames[1:]], "FRAME_OUT_OF_ORDER"),
            (lambda frames: frames[:2], "FRAME_OUT_OF_ORDER"),
            (lambda frames: [*frames, frames[2]], "INVALID_FIELD"),
            (lambda frames: [pb.PutChunksRequest(digest="sha256:no", size=1, data=b"x")], "INVALID_FIELD"),
            (lambda frames: [pb.PutChunksRequest(digest=frames[0].digest, size=10**12, data=b"x")],
             "LIMIT_EXCEEDED"),
            (lambda frames: [pb.PutChunksRequest(digest=frames[0].digest, size=2**21, data=bytes(2**20 + 1))],
             "LIMIT_EXCEEDED"),
            (lambda frames: [pb.PutChunksRequest(digest=frames[0].digest, size=3_000_000, data=bytes(3 * 2**20))],
             "LIMIT_EXCEEDED"),
            (lambda frames: [pb.PutChunksRequest(digest=frames[0].digest, size=2, data=b"xyz")],
             "SIZE_MISMATCH"),
        ],
    )  # fmt: skip
    async def test_frames_that_make_no_chunk_are_refused(self, client, damage, reason: str) -> None:
        with pytest.raises(client.Refused) as refused:
            await client.put_messages(
                [pb.PutChunksRequest(parent="projects/default"), *damage(client.frames(A, 1_000_000))]
            )
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert not client.blob_path(A).exists() or refused.value.acknowledged == [Digest.of(A).text]

    async def test_a_full_disk_is_told_and_leaves_nothing(self, client, monkeypatch) -> None:
        def create(directory: Path) -> tuple[Path, int]:
            path = directory / "full.part"
            path.touch()
            return path, os.open("/dev/full", os.O_RDWR)

        with monkeypatch.context() as patched:
            patched.setattr("muniment_artifact.blobs.disk.create_incoming", create)
            with pytest.raises(client.Refused) as refused:
                await client.put([A])
        assert refused.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (refused.value.reason, refused.value.facts) == ("STORAGE_FULL", {"store": "artifacts"})
        await client.until_nothing_is_half_written()
        assert await client.put([A]) == [Digest.of(A).text]

    async def test_a_call_cancelled_inside_a_chunk_leaves_nothing(self, client) -> None:
        stream = client.open_put()
        await stream.write(pb.PutChunksRequest(parent="projects/default"))
        for message in client.frames(A, 700_000)[:-1]:
            await stream.write(message)
        await client.until(lambda: len(client.half_written()) == 1, "the chunk was never begun")
        stream.cancel()
        await client.until_nothing_is_half_written()
        assert await client.plan([A]) == [Digest.of(A).text]

    async def test_whole_chunks_of_a_cancelled_call_are_kept(self, client) -> None:
        stream = client.open_put()
        await stream.write(pb.PutChunksRequest(parent="projects/default"))
        for message in [*client.frames(A, 1_000_000), *client.frames(B, 1_000_000)[:1]]:
            await stream.write(message)
        await client.until(client.blob_path(A).exists, "the first chunk was never stored")
        stream.cancel()
        await client.until_nothing_is_half_written()
        async with asyncio.timeout(30):
            while Digest.of(A).text in await client.plan([A]):
                await asyncio.sleep(0.01)

    async def test_streams_beside_each_other_do_not_mix(self, client) -> None:
        batches = [[b"%d of %d" % (number, batch) * 1_000 for number in range(30)] for batch in range(6)]
        acknowledged = await asyncio.gather(*(client.put(batch, frame_bytes=999) for batch in batches))
        assert acknowledged == [[Digest.of(data).text for data in batch] for batch in batches]
        assert await client.plan([data for batch in batches for data in batch]) == []


class TestPassingBy:
    """A file whose chunks come in order on one stream is hashed then, and not read back by the commit."""

    @staticmethod
    def _placed(client, chunks: list[bytes], *, skip: int | None = None) -> list[pb.PutChunksRequest]:
        """The frames of a file, those of one of its chunks perhaps left out."""
        size, position = sum(map(len, chunks)), 0
        messages = [pb.PutChunksRequest(parent="projects/default")]
        for number, data in enumerate(chunks):
            frames = client.frames(data, 1_000_000)
            frames[0].file_offset, frames[0].file_size = position, size
            position += len(data)
            messages += frames if number != skip else []
        return messages

    async def test_its_digest_is_known_without_reading(self, client) -> None:
        assert len(await client.put_messages(self._placed(client, [A, B, C]))) == 3
        _overwrite(client.blob_path(B), bytes(len(B)))
        manifest = await client.commit([client.file("model", A, B, C)])
        assert manifest.size_bytes == len(A + B + C)

    async def test_two_files_may_pass_after_each_other(self, client) -> None:
        messages = self._placed(client, [A, B]) + self._placed(client, [B, C])[1:]
        assert len(await client.put_messages(messages)) == 4
        _overwrite(client.blob_path(B), bytes(len(B)))
        await client.commit([client.file("first", A, B), client.file("second", B, C)])

    async def test_another_digest_than_the_one_found_is_refused(self, client) -> None:
        await client.put_messages(self._placed(client, [A, B]))
        lie = client.file("model", A, B)
        lie.digest = Digest.of(b"something else").text
        with pytest.raises(client.Refused) as refused:
            await client.commit([lie])
        assert refused.value.facts == {"declared": lie.digest, "actual": Digest.of(A + B).text}

    @pytest.mark.parametrize("skip", [0, 1, 2])
    async def test_one_that_lacks_a_chunk_is_read(self, client, skip: int) -> None:
        chunks = [A, B, C]
        await client.put([chunks[skip]])
        await client.put_messages(self._placed(client, chunks, skip=skip))
        _overwrite(client.blob_path(chunks[skip]), bytes(len(chunks[skip])))
        with pytest.raises(client.Refused) as refused:
            await client.commit([client.file("model", *chunks)])
        assert refused.value.reason == "CHUNK_MISSING"

    async def test_nothing_is_known_of_a_file_with_a_wrong_chunk(self, client) -> None:
        messages = self._placed(client, [A, B, C])
        messages[2].data = bytes(len(messages[2].data))
        with pytest.raises(client.Refused) as refused:
            await client.put_messages(messages)
        assert (refused.value.reason, refused.value.acknowledged) == ("DIGEST_MISMATCH", [])
        await client.put([A, B, C])
        lie = client.file("model", A, B, C)
        lie.digest = Digest.of(b"".join(message.data for message in messages)).text
        with pytest.raises(client.Refused) as refused:
            await client.commit([lie])
        assert refused.value.reason == "DIGEST_MISMATCH"

    async def test_chunks_told_to_lie_outside_of_their_file_are_refused(self, client) -> None:
        messages = self._placed(client, [A, B])
        messages[1].file_size = len(A) - 1
        with pytest.raises(client.Refused) as refused:
            await client.put_messages(messages)
        assert refused.value.reason == "INVALID_FIELD", refused.value
        assert refused.value.facts["field"] == "file_offset"


class TestCommit:
    async def test_committing_twice_answers_the_same(self, client) -> None:
        files = {"model": [A, B], "card": [b"hello"]}
        assert await client.push(files) == await client.push(files)

    async def test_a_chunk_the_project_does_not_hold_is_named_even_if_another_project_does(
        self, client
    ) -> None:
        await client.push({"model": [A, B]}, "other")
        await client.put([A])
        with pytest.raises(client.Refused) as refused:
            await client.commit([client.file("model", A, B)])
        assert (refused.value.code, refused.value.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "CHUNK_MISSING",
        )
        assert refused.value.facts == {"digest": Digest.of(B).text, "path": "model"}

    async def test_the_digest_of_a_file_of_several_chunks_is_proven_by_reading(self, client) -> None:
        await client.put([A, B])
        lie = client.file("model", A, B)
        lie.digest = Digest.of(b"something else").text
        with pytest.raises(client.Refused) as refused:
            await client.commit([lie])
        assert refused.value.reason == "DIGEST_MISMATCH"
        assert refused.value.facts == {"declared": lie.digest, "actual": Digest.of(A + B).text}

    async def test_a_stored_chunk_that_went_bad_is_asked_for_again_and_not_the_fault_of_the_caller(
        self, client
    ) -> None:
        await client.put([A, B])
        _overwrite(client.blob_path(B), bytes(len(B)))
        with pytest.raises(client.Refused) as refused:
            await client.commit([client.file("model", A, B)])
        assert refused.value.reason == "CHUNK_MISSING"
        assert refused.value.facts == {"digest": Digest.of(B).text, "path": "model"}
        assert await client.plan([A, B]) == [Digest.of(B).text]
        await client.put([B])
        await client.commit([client.file("model", A, B)])

    async def test_a_file_proven_once_is_not_read_again(self, client) -> None:
        await client.push({"model": [A, B]})
        _overwrite(client.blob_path(A), bytes(len(A)))
        await client.commit([client.file("renamed", A, B)])

    async def test_a_proof_of_one_project_does_not_count_in_another(self, client) -> None:
        await client.push({"model": [A, B]}, "other")
        await client.put([A, B])
        _overwrite(client.blob_path(A), bytes(len(A)))
        with pytest.raises(client.Refused) as refused:
            await client.commit([client.file("model", A, B)])
        assert refused.value.reason == "CHUNK_MISSING"

    async def test_the_same_files_in_other_chunks_are_the_same_manifest(self, client) -> None:
        first = await client.push({"model": [A, B]})
        second = await client.push({"model": [A[:1_000], A[1_000:], B]})
        assert second == first
        assert (
            await client.call(
                "GetManifest", pb.GetManifestRequest(parent="projects/default", digest=first.digest)
            )
            == first
        )

    @ON_ONE_DATABASE
    async def test_how_a_file_was_cut_is_kept_beside_its_chunks(self, client) -> None:
        await client.put([A])
        entry = client.file("model", A)
        entry.chunking = "whole/1"
        manifest = await client.commit([entry])
        request = pb.GetManifestRequest(parent="projects/default", digest=manifest.digest)
        assert list((await client.call("GetManifest", request)).files) == [entry]

    async def test_a_chunk_may_be_used_many_times(self, client) -> None:
        manifest = await client.push({"twice": [SMALL[0], SMALL[0]], "again": [SMALL[0]]})
        assert manifest.size_bytes == 3 * len(SMALL[0])

    @ON_ONE_DATABASE
    @pytest.mark.parametrize(
        ("change", "reason", "field"),
        [
            ({"path": "../x"}, "INVALID_PATH", "files[0].path"),
            ({"path": "CON"}, "INVALID_PATH", "files[0].path"),
            ({"path": ""}, "INVALID_PATH", "files[0].path"),
            ({"path": "a" * 300}, "INVALID_PATH", "files[0].path"),
            ({"path": "MODEL"}, "INVALID_PATH", "files[1].path"),
            ({"path": "model/x"}, "INVALID_PATH", "files[1].path"),
            ({"digest": ""}, "INVALID_FIELD", "files[0].digest"),
            ({"digest": "md5:00"}, "INVALID_FIELD", "files[0].digest"),
            ({"size": 2}, "SIZE_MISMATCH", None),
            ({"size": -1}, "INVALID_FIELD", "files[0].size"),
            ({"chunking": "My Way"}, "INVALID_FIELD", "files[0].chunking"),
            ({"chunking": "x" * 65}, "INVALID_FIELD", "files[0].chunking"),
        ],
    )
    async def test_files_that_cannot_be_are_refused(
        self, client, change, reason: str, field: str | None
    ) -> None:
        bad, good = client.file("first", b"x"), client.file("model", b"x")
        for name, value in change.items():
            setattr(bad, name, value)
        await client.put([b"x"])
        with pytest.raises(client.Refused) as refused:
            await client.commit([bad, good])
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
        assert refused.value.facts.get("field") == field

    async def test_no_files_and_too_many_files_are_refused(self, client, limits) -> None:
        await client.put([b"x"])
        for count, reason in ((0, "INVALID_FIELD"), (limits.max_files + 1, "LIMIT_EXCEEDED")):
            with pytest.raises(client.Refused) as refused:
                await client.commit([client.file(f"file-{number}", b"x") for number in range(count)])
            assert refused.value.reason == reason

    async def test_commits_of_the_same_files_at_once_all_succeed(self, client) -> None:
        await client.put([A, B])
        manifests = await asyncio.gather(*(client.commit([client.file("model", A, B)]) for _ in range(8)))
        assert {manifest.digest for manifest in manifests} == {manifests[0].digest}


def _overwrite(path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)
