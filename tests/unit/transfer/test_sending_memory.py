"""The memory that a push reads files into, and what is asked about and sent when."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from muniment.errors import DeadlineExceeded
from muniment.transfer.outbox import FIRST_SLICE, LARGEST_SLICE, LOW, Feed, Outbox
from muniment.transfer.pieces import Load, Offer, Piece
from muniment.transfer.send import ChunkSender
from muniment.transfer.slabs import MOST_SLABS, OWN_SLABS, Region, SlabBudget, Slabs
from muniment.transfer.source import Signature, SourceFile, find_files
from muniment.v1 import artifact_service_pb2 as pb

DEADLINE = 60


@pytest.fixture
def source() -> SourceFile:
    return SourceFile("m.bin", Path("m.bin"), Signature(1, 1, 1, 1))


def offer(source: SourceFile, size: int) -> Offer:
    return Offer(source, [Piece(f"sha256:{size}", 0, size)])


def sent(outbox: Outbox) -> int:
    """What one stream is given of the next file."""
    feed = outbox.next_feed(DEADLINE)
    assert feed is not None
    load = outbox.next_load(feed, DEADLINE)
    assert load is not None
    return load.piece.size


def test_small_regions_lie_side_by_side_and_a_slab_is_used_again_when_nobody_uses_it() -> None:
    slabs = Slabs(size=100, most=2)
    one, two, three = slabs.take(40), slabs.take(60), slabs.take(100)
    one.data[:], two.data[:], three.data[:] = b"a" * 40, b"b" * 60, b"c" * 100
    assert (bytes(one.data), bytes(two.data)) == (b"a" * 40, b"b" * 60)
    one.close()
    two.share(1)
    two.close()
    taken: list[bytes] = []
    waiting = threading.Thread(target=lambda: taken.append(bytes(slabs.take(10).data)))
    waiting.start()
    assert not taken
    two.close()
    waiting.join(DEADLINE)
    # The memory of the first slab, with what was in it.
    assert taken == [b"a" * 10]
    assert bytes(three.data) == b"c" * 100


def test_memory_that_is_given_back_while_it_is_waited_for_is_used_again() -> None:
    slabs = Slabs(size=10, most=1)
    first = slabs.take(10)
    taken: list[Region] = []
    waiting = threading.Thread(target=lambda: taken.append(slabs.take(10)))
    waiting.start()
    assert not taken
    # The slab that was taken from last: its memory must not be lost.
    first.close()
    waiting.join(DEADLINE)
    assert len(taken) == 1
    taken[0].close()
    assert bytes(slabs.take(10).data) == bytes(10)


def test_pushes_beside_each_other_share_the_memory_beyond_their_own_and_give_it_back() -> None:
    budget = SlabBudget(1)
    one, two = (Slabs(size=10, budget=budget) for _ in range(2))

    def taken(slabs: Slabs) -> int:
        """How many slabs could be taken at once, all of which are given back."""
        slabs.is_patient = False
        regions = [slabs.take(10) for _ in range(MOST_SLABS)]
        for region in regions:
            region.close()
        return sum(region.is_kept for region in regions)

    assert (taken(one), taken(two)) == (OWN_SLABS + 1, OWN_SLABS)
    one.close()
    assert taken(two) == OWN_SLABS + 1
    two.close()
    two.close()
    assert budget.left == 1


def test_who_does_not_wait_for_memory_gets_some_that_nobody_else_may_use() -> None:
    slabs = Slabs(size=10, most=1)
    slabs.is_patient = False
    kept, passing = slabs.take(10), slabs.take(10)
    assert (kept.is_kept, passing.is_kept) == (True, False)
    passing.data[:] = b"b" * 10
    assert bytes(kept.data) == bytes(10)
    passing.close()
    kept.close()
    assert slabs.take(10).is_kept


def test_nobody_waits_for_memory_that_will_not_be_given_back() -> None:
    slabs = Slabs(size=10, most=1)
    slabs.take(10)
    slabs.abandon()
    for _ in range(3):
        region = slabs.take(10)
        assert len(region.data) == 10
        region.close()


def test_streams_that_run_dry_are_not_kept_waiting_and_busy_ones_let_much_be_asked_at_once(source) -> None:
    outbox = Outbox()
    outbox.offer(offer(source, FIRST_SLICE))
    assert len(outbox.next_slice()) == 1
    outbox.put([(source, offer(source, LOW).loads())])
    asked: list[int] = []
    planner = threading.Thread(target=lambda: asked.append(len(outbox.next_slice())))
    planner.start()
    for _ in range(3):
        outbox.offer(offer(source, LARGEST_SLICE // 4))
    assert not asked
    # The stream takes what was waiting, and nothing else is there for it.
    assert sent(outbox) == LOW
    planner.join(DEADLINE)
    assert asked == [3]


def test_a_stream_with_nothing_to_do_is_not_kept_waiting_by_one_that_is_busy(source) -> None:
    outbox = Outbox()
    outbox.put([(source, offer(source, 2 * LOW).loads())])
    assert outbox.next_feed(DEADLINE) is not None
    idle = threading.Thread(target=lambda: outbox.has_work(None))
    idle.start()
    for _ in range(2):
        outbox.offer(offer(source, FIRST_SLICE))
    assert len(outbox.next_slice()) == 2
    outbox.complete()
    idle.join(DEADLINE)


def test_chunks_that_come_with_the_end_of_their_file_are_sent(source) -> None:
    class LateOutbox(Outbox):
        """The planner puts in the rest of a file just after a stream found that nothing was there."""

        def next_load(self, feed: Feed, seconds: float) -> Load | None:
            load = super().next_load(feed, 0)
            if load is None and not feed.complete:
                self.put([(feed.source, offer(feed.source, 7).loads())])
                self.complete()
            return load

    outbox = LateOutbox()
    outbox.put([(source, [])])
    limits = pb.Capabilities(max_frame_bytes=100, max_unacked_bytes=100)
    sender = ChunkSender(None, None, limits, "projects/default", outbox, lambda size: None)
    assert [frame.parent for frame in sender._requests()] == ["projects/default"]
    # It begins another stream for them.
    assert sender._feed is not None
    assert outbox.has_work(sender._feed)


def test_frames_do_not_go_on_while_what_was_sent_first_should_long_be_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.bin"
    path.write_bytes(bytes(20))
    [source] = find_files(path)
    outbox = Outbox()
    outbox.put([(source, offer(source, 20).loads())])
    outbox.complete()
    limits = pb.Capabilities(max_frame_bytes=10, max_unacked_bytes=100)
    sender = ChunkSender(None, None, limits, "projects/default", outbox, lambda size: None)
    monkeypatch.setattr("muniment.transfer.pace.GRACE_SECONDS", -1.0)
    assert [frame.parent for frame in sender._requests()] == ["projects/default"]
    assert isinstance(sender._failure, DeadlineExceeded)


def test_what_is_offered_last_is_asked_about_however_little_it_is(source) -> None:
    outbox = Outbox()
    outbox.offer(offer(source, 1))
    outbox.offered_all()
    assert len(outbox.next_slice()) == 1
    assert outbox.next_slice() == []


def test_little_is_asked_about_soon_when_nothing_follows_it(source) -> None:
    outbox = Outbox()
    outbox.offer(offer(source, 1))
    assert len(outbox.next_slice()) == 1


def test_after_a_failure_nothing_is_asked_about_or_sent(source) -> None:
    outbox = Outbox()
    outbox.put([(source, offer(source, 1).loads())])
    outbox.offer(offer(source, 1))
    outbox.fail(ValueError("first"))
    outbox.fail(ValueError("second"))
    assert outbox.next_slice() == []
    assert outbox.next_feed(DEADLINE) is None
    assert not outbox.has_work(None)
    assert str(outbox.failure) == "first"
