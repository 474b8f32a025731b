"""The memory that a push reads files into, and what is asked about and sent when."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from muniment.transfer.outbox import FIRST_SLICE, LARGEST_SLICE, LOW, Outbox
from muniment.transfer.pieces import Offer, Piece
from muniment.transfer.slabs import Slabs
from muniment.transfer.source import Signature, SourceFile

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
