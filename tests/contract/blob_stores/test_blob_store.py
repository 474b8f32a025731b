"""What every blob store does alike."""

from __future__ import annotations

import random
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest
from muniment.digests import Digest
from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.verified import read_verified, verify_blob
from muniment_artifact.blobs.whole import get_blob, put_blob
from muniment_artifact.limits import MIB
from muniment_core.domain.errors import BytesDamaged, DigestMismatch, SizeMismatch


def _bytes(size: int, seed: int = 7) -> bytes:
    return random.Random(seed).randbytes(size)


def _read(store: BlobStore, digest: Digest, **options: int) -> list[bytes]:
    with closing(store.read(digest, **options)) as pieces:
        return list(pieces)


class TestWriting:
    def test_what_is_committed_can_be_read(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(100_001)
        digest = put_blob(store, data)
        assert digest == Digest.of(data)
        assert get_blob(store, digest, len(data)) == data

    def test_a_blob_is_written_in_many_pieces_and_from_memoryviews(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(MIB + 17)
        writer = store.create(Digest.of(data), len(data))
        for start in range(0, len(data), 70_000):
            writer.write(memoryview(data)[start : start + 70_000])
        writer.commit()
        assert get_blob(store, Digest.of(data), len(data)) == data

    def test_a_blob_of_more_than_one_part_arrives_whole(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(16 * MIB + 3)
        digest = put_blob(store, data)
        assert store.stat(digest).size == len(data)
        verify_blob(store, digest, len(data))

    def test_nothing_is_visible_before_commit(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(1_000)
        writer = store.create(Digest.of(data), len(data))
        writer.write(data)
        assert store.stat(Digest.of(data)) is None
        assert list(store.list()) == []
        writer.discard()
        assert store.stat(Digest.of(data)) is None

    def test_bytes_of_another_digest_never_become_visible(self, any_blob_store) -> None:
        store, declared = any_blob_store.store, Digest.of(b"what was declared")
        writer = store.create(declared, 4)
        writer.write(b"evil")
        with pytest.raises(DigestMismatch) as refused:
            writer.commit()
        assert refused.value.facts == {"declared": declared.text, "actual": Digest.of(b"evil").text}
        assert store.stat(declared) is None
        assert list(store.list()) == []

    def test_too_few_bytes_never_become_visible(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(1_000)
        writer = store.create(Digest.of(data), len(data))
        writer.write(data[:-1])
        with pytest.raises(SizeMismatch) as refused:
            writer.commit()
        assert (refused.value.facts["declared"], refused.value.facts["actual"]) == ("1000", "999")
        assert list(store.list()) == []

    def test_more_bytes_than_declared_are_refused_when_they_come(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(1_000)
        writer = store.create(Digest.of(data), len(data))
        writer.write(data)
        with pytest.raises(SizeMismatch):
            writer.write(b"x")
        writer.discard()
        assert list(store.list()) == []

    def test_discarding_twice_or_after_commit_is_fine(self, any_blob_store) -> None:
        store = any_blob_store.store
        writer = store.create(Digest.of(b"once"), 4)
        writer.write(b"once")
        writer.commit()
        writer.discard()
        writer.discard()
        assert get_blob(store, Digest.of(b"once"), 4) == b"once"

    def test_writing_again_is_fine_and_repairs_a_damaged_blob(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(5_000)
        digest = put_blob(store, data)
        any_blob_store.plant(digest, b"\0" * 5_000)
        put_blob(store, data)
        assert get_blob(store, digest, len(data)) == data
        assert len(list(store.list())) == 1

    def test_two_writers_of_one_blob_do_not_disturb_each_other(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(300_000)
        barrier = threading.Barrier(4)
        failures: list[BaseException] = []

        def write() -> None:
            try:
                writer = store.create(Digest.of(data), len(data))
                for start in range(0, len(data), 50_000):
                    writer.write(data[start : start + 50_000])
                barrier.wait(timeout=30)
                writer.commit()
            except BaseException as failure:
                failures.append(failure)
                raise

        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert get_blob(store, Digest.of(data), len(data)) == data


class TestReading:
    @pytest.mark.parametrize(
        ("offset", "length"),
        [(0, None), (0, 10), (1, 9), (99, 2), (100, 101), (2_990, 10), (2_990, None), (3_000, None)],
    )
    def test_a_range_is_exactly_what_was_asked_for(
        self, any_blob_store, offset: int, length: int | None
    ) -> None:
        store, data = any_blob_store.store, _bytes(3_000)
        digest = put_blob(store, data)
        pieces = _read(store, digest, offset=offset, length=length, frame_bytes=100)
        end = len(data) if length is None else offset + length
        assert b"".join(pieces) == data[offset:end]
        assert all(len(piece) == 100 for piece in pieces[:-1])
        assert all(0 < len(piece) <= 100 for piece in pieces)

    def test_a_range_past_the_end_is_damage_and_not_a_short_answer(self, any_blob_store) -> None:
        store = any_blob_store.store
        digest = put_blob(store, _bytes(3_000))
        for offset, length in ((2_990, 11), (3_000, 1), (5_000, 10)):
            with pytest.raises(BytesDamaged):
                _read(store, digest, offset=offset, length=length)

    def test_a_blob_that_is_not_there_is_damage_and_names_the_digest(self, any_blob_store) -> None:
        absent = Digest.of(b"absent")
        for options in ({}, {"offset": 3, "length": 4}):
            with pytest.raises(BytesDamaged) as damaged:
                _read(any_blob_store.store, absent, **options)
            assert damaged.value.facts["digest"] == absent.text

    def test_a_reader_that_is_left_early_can_be_closed(self, any_blob_store) -> None:
        store, data = any_blob_store.store, _bytes(MIB)
        digest = put_blob(store, data)
        pieces = store.read(digest, frame_bytes=1_000)
        assert next(pieces) == data[:1_000]
        pieces.close()
        assert get_blob(store, digest, len(data)) == data

    @pytest.mark.parametrize("kind", ["changed", "truncated", "longer", "empty"])
    def test_the_last_piece_of_a_damaged_blob_is_held_back(self, any_blob_store, kind: str) -> None:
        store, data = any_blob_store.store, _bytes(2_500)
        digest = put_blob(store, data)
        planted = {"changed": data[:-1] + b"\0", "truncated": data[:-1], "longer": data + b"x", "empty": b""}[
            kind
        ]
        any_blob_store.plant(digest, planted)
        received = bytearray()
        with pytest.raises(BytesDamaged) as damaged:
            received.extend(chain.from_iterable(read_verified(store, digest, len(data), frame_bytes=1_000)))
        assert damaged.value.facts == {"digest": digest.text}
        assert len(received) < len(data)


class TestLooking:
    def test_stat_tells_size_and_time(self, any_blob_store) -> None:
        before = datetime.now(UTC)
        digest = put_blob(any_blob_store.store, b"12345")
        found = any_blob_store.store.stat(digest)
        assert (found.digest, found.size) == (digest, 5)
        # S3 times have a resolution of one second; file systems round down to a clock tick.
        assert before - timedelta(seconds=2) <= found.modify_time <= datetime.now(UTC) + timedelta(seconds=2)

    def test_stat_of_an_absent_blob_is_none(self, any_blob_store) -> None:
        assert any_blob_store.store.stat(Digest.of(b"absent")) is None

    def test_list_is_ordered_and_restricted_by_prefix_of_any_length(self, any_blob_store) -> None:
        store = any_blob_store.store
        digests = sorted(put_blob(store, b"blob %d" % number) for number in range(40))
        assert [found.digest for found in store.list()] == digests
        for length in (1, 2, 3, 64):
            prefix = digests[0].hex[:length]
            expected = [digest for digest in digests if digest.hex.startswith(prefix)]
            assert [found.digest for found in store.list(prefix)] == expected
        assert list(store.list("0" * 64)) == []

    def test_delete_removes_one_blob_and_is_fine_when_there_is_none(self, any_blob_store) -> None:
        store = any_blob_store.store
        gone, kept = put_blob(store, b"gone"), put_blob(store, b"kept")
        store.delete(gone)
        store.delete(gone)
        assert [found.digest for found in store.list()] == [kept]

    def test_probe_leaves_nothing_behind(self, any_blob_store) -> None:
        any_blob_store.store.probe()
        assert list(any_blob_store.store.list()) == []
