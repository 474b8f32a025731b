"""Reading: manifests, ranges and verification, over gRPC, on each database."""

from __future__ import annotations

import random

import grpc
import pytest
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment_artifact.chunk_maps import ChunkMaps
from muniment_artifact.manifest import EMPTY_DIGEST, FileEntry, build_manifest

MIB = 1024 * 1024
A, B = random.Random(1).randbytes(2_500_000), random.Random(2).randbytes(1_700_000)
FILE = A + B


@pytest.fixture
async def manifest(client) -> pb.Manifest:
    """A version of one large file in two chunks, a small and an empty one."""
    return await client.push({"model.bin": [A, B], "card.md": [b"hello"], "empty": []})


def _damage(path, data: bytes | None) -> None:
    path.unlink()
    if data is not None:
        path.write_bytes(data)


class TestReadRanges:
    async def test_any_range_is_the_slice_of_the_file(self, client, manifest) -> None:
        numbers = random.Random(5)
        ranges = [("model.bin", 0, len(FILE)), ("model.bin", len(A) - 1, 2), ("model.bin", len(A), 0)]
        for _ in range(30):
            offset = numbers.randrange(len(FILE))
            ranges.append(("model.bin", offset, numbers.randint(1, len(FILE) - offset)))
        received = await client.read(manifest.digest, ranges)
        for index, (_, offset, length) in enumerate(ranges):
            answers = [frame for frame in received if frame.range_index == index]
            assert (
                b"".join(frame.data for frame in answers)
                == FILE[offset : offset + length if length else None]
            )
            position = offset
            for frame in answers:
                assert frame.offset == position
                assert 0 < len(frame.data) <= MIB
                position += len(frame.data)
        assert [frame.range_index for frame in received] == sorted(frame.range_index for frame in received)

    async def test_a_range_of_nothing_has_no_frames(self, client, manifest) -> None:
        assert await client.read(manifest.digest, [("empty", 0, 0), ("model.bin", len(FILE), 0)]) == []

    @pytest.mark.parametrize("database", ["sqlite"], indirect=True)
    @pytest.mark.parametrize(
        ("ranges", "code", "reason"),
        [
            ([], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 0, 1)] * 10_001, "INVALID_ARGUMENT", "LIMIT_EXCEEDED"),
            # So many that they are not read at all.
            ([("card.md", 0, 1)] * 30_001, "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", -1, 1)], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 0, -1)], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 6, 0)], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 4, 2)], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 1, 2**63 - 1)], "INVALID_ARGUMENT", "INVALID_FIELD"),
            ([("card.md", 0, 1), ("nothing", 0, 1)], "NOT_FOUND", "FILE_NOT_FOUND"),
            ([("../card.md", 0, 1)], "NOT_FOUND", "FILE_NOT_FOUND"),
        ],
    )
    async def test_a_bad_range_is_refused_before_the_first_byte(
        self, client, manifest, ranges, code: str, reason: str
    ) -> None:
        with pytest.raises(client.Refused) as refused:
            await client.read(manifest.digest, ranges)
        assert (refused.value.code.name, refused.value.reason) == (code, reason)
        assert refused.value.acknowledged == []

    async def test_a_range_at_fault_is_named_by_its_index(self, client, manifest) -> None:
        with pytest.raises(client.Refused) as refused:
            await client.read(manifest.digest, [("card.md", 0, 1), ("card.md", 6, 1)])
        assert refused.value.facts["field"] == "ranges[1].offset"

    @pytest.mark.parametrize("kind", ["changed", "gone", "short"])
    async def test_the_last_frame_of_a_damaged_chunk_is_not_sent(self, client, manifest, kind: str) -> None:
        damaged = {"changed": B[:-1] + bytes([B[-1] ^ 1]), "gone": None, "short": B[:-1]}[kind]
        _damage(client.blob_path(B), damaged)
        with pytest.raises(client.Refused) as refused:
            await client.read(manifest.digest, [("model.bin", 0, 0)])
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DATA_LOSS, "BYTES_DAMAGED")
        assert refused.value.facts == {"digest": Digest.of(B).text}
        assert len(A) <= sum(map(int, refused.value.acknowledged)) < len(FILE)

    async def test_a_call_left_early_does_not_disturb_the_next(self, client, manifest) -> None:
        request = pb.ReadRangesRequest(
            parent="projects/default", digest=manifest.digest, ranges=[pb.ByteRange(path="model.bin")] * 50
        )
        for _ in range(5):
            call = client.stub.ReadRanges(
                request, metadata=(("authorization", "Bearer mun_test"),), timeout=60
            )
            assert (await call.read()).data == FILE[:MIB]
            call.cancel()
        assert len(await client.read(manifest.digest, [("model.bin", 0, 0)])) == 5


class TestManifests:
    async def test_a_manifest_is_read_as_it_was_committed(self, client, manifest) -> None:
        request = pb.GetManifestRequest(parent="projects/default", digest=manifest.digest)
        assert await client.call("GetManifest", request) == manifest

    @pytest.mark.parametrize("method", ["GetManifest", "VerifyManifest", "ReadRanges"])
    async def test_the_manifest_of_another_project_is_not_found(self, client, manifest, method: str) -> None:
        if method == "ReadRanges":
            call = client.read(manifest.digest, [("card.md", 0, 0)], "other")
        else:
            request = getattr(pb, f"{method}Request")(parent="projects/other", digest=manifest.digest)
            call = client.call(method, request)
        with pytest.raises(client.Refused) as refused:
            await call
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.NOT_FOUND, "MANIFEST_NOT_FOUND")
        assert refused.value.facts == {"digest": manifest.digest}

    async def test_a_chunk_map_that_went_bad_is_damage(self, client, manifest) -> None:
        known = {client.blob_path(data).name for data in (A, B, b"hello")}
        for path in client.blob_path(A).parents[1].glob("*/*"):
            if path.name not in known:
                _damage(path, b"{}")
        with pytest.raises(client.Refused) as refused:
            await client.call(
                "GetManifest", pb.GetManifestRequest(parent="projects/default", digest=manifest.digest)
            )
        assert refused.value.reason == "BYTES_DAMAGED"


class TestKeptChunkMaps:
    async def test_ranges_need_the_map_once_and_whoever_looks_for_damage_reads_it_again(
        self, client, manifest
    ) -> None:
        request = {"parent": "projects/default", "digest": manifest.digest}
        assert await client.call("GetManifest", pb.GetManifestRequest(**request)) == manifest
        known = {client.blob_path(data).name for data in (A, B, b"hello")}
        for path in client.blob_path(A).parents[1].glob("*/*"):
            if path.name not in known:
                _damage(path, None)
        [frame] = await client.read(manifest.digest, [("card.md", 0, 0)])
        assert frame.data == b"hello"
        with pytest.raises(client.Refused) as refused:
            await client.read(manifest.digest, [("card.md", 0, 0)], "other")
        assert refused.value.reason == "MANIFEST_NOT_FOUND"
        for method in ("VerifyManifest", "GetManifest"):
            with pytest.raises(client.Refused) as refused:
                await client.call(method, getattr(pb, f"{method}Request")(**request))
            assert refused.value.reason == "BYTES_DAMAGED", method

    def test_as_many_are_kept_as_have_room_and_those_used_last(self) -> None:
        maps = [build_manifest([FileEntry(str(number), EMPTY_DIGEST, 0, ())] * 3) for number in range(4)]
        kept = ChunkMaps(most=7)
        for number in (0, 1, 0, 2):
            if kept.get(maps[number].record) is None:
                kept.keep(maps[number].record, maps[number].files)
        assert [kept.get(made.record) is not None for made in maps] == [True, False, True, False]
        too_large = build_manifest([FileEntry("x", EMPTY_DIGEST, 0, ())] * 8)
        kept.keep(too_large.record, too_large.files)
        assert kept.get(too_large.record) is None


class TestVerify:
    async def test_each_distinct_chunk_is_counted_once(self, client) -> None:
        manifest = await client.push({"one": [A, B], "two": [A], "three": [A, A]})
        request = pb.VerifyManifestRequest(parent="projects/default", digest=manifest.digest)
        answer = await client.call("VerifyManifest", request)
        assert (answer.chunk_count, answer.byte_count) == (2, len(A) + len(B))

    @pytest.mark.parametrize("kind", ["changed", "gone", "short", "longer"])
    async def test_the_first_bad_chunk_is_named(self, client, manifest, kind: str) -> None:
        damaged = {"changed": bytes(len(A)), "gone": None, "short": A[:-1], "longer": A + b"x"}[kind]
        _damage(client.blob_path(A), damaged)
        _damage(client.blob_path(B), None)
        with pytest.raises(client.Refused) as refused:
            await client.call(
                "VerifyManifest", pb.VerifyManifestRequest(parent="projects/default", digest=manifest.digest)
            )
        assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DATA_LOSS, "BYTES_DAMAGED")
        assert refused.value.facts == {"digest": Digest.of(A).text}

    async def test_pushing_a_bad_chunk_again_repairs_it(self, client, manifest) -> None:
        _damage(client.blob_path(A), bytes(len(A)))
        await client.put([A])
        request = pb.VerifyManifestRequest(parent="projects/default", digest=manifest.digest)
        assert (await client.call("VerifyManifest", request)).chunk_count == 3


class TestDirectReads:
    async def test_a_store_without_addresses_gives_none(self, client, manifest) -> None:
        request = pb.GetDirectReadsRequest(
            parent="projects/default", digest=manifest.digest, chunks=[Digest.of(A).text]
        )
        assert not (await client.call("GetDirectReads", request)).reads
        assert not (await client.call("GetCapabilities", pb.GetCapabilitiesRequest())).direct_reads
