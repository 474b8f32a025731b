"""Processes that share an anchor: what one of them kept protects them all, and none raises a false alarm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.s3 import S3Server
from muniment.ledger.checkpoint import Checkpoint
from muniment_artifact.blobs.s3 import S3Objects, S3Settings
from muniment_core.domain.errors import StorageUnavailable
from muniment_core.signing.anchor import Anchored
from muniment_core.signing.inspection import LedgerDamaged
from muniment_core.signing.recovery import recover
from muniment_core.signing.shared_anchor import SharedAnchor


class Hooked(S3Objects):
    """Objects of one process, with something that happens just before they are listed next."""

    def __init__(self, settings: S3Settings) -> None:
        super().__init__(settings, "anchor")
        self.before: Callable[[], object] | None = None

    def names(self) -> list[str]:
        before, self.before = self.before, None
        if before is not None:
            before()
        return super().names()


@pytest.fixture
def objects_of(s3_server: S3Server, s3_bucket: str) -> Callable[[], Hooked]:
    """Opens the place the anchor is in, once for each process."""
    settings = S3Settings(
        endpoint=s3_server.endpoint,
        bucket=s3_bucket,
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
        secure=False,
    )
    return lambda: Hooked(settings)


@pytest.fixture
def sharing(ledger_of: Callable[..., Any], objects_of: Callable[[], Hooked]) -> Callable[..., Any]:
    """Starts a process that shares the anchor: `sharing("name", keys_of=other)`."""

    def start(name: str, *, keys_of: Any = None) -> Any:
        objects = objects_of()
        process = ledger_of(name, anchor=SharedAnchor(objects))
        process.objects = objects
        if keys_of is not None:
            process.key_file.path.write_bytes(keys_of.key_file.path.read_bytes())
        return process

    return start


@pytest.fixture
def first(sharing: Callable[..., Any]) -> Any:
    """A process with the key of the log, and ten entries that are signed."""
    process = sharing("first")
    process.make_key()
    process.add(*map(str, range(2, 11)))
    process.keep()
    return process


def anchored_size(process: Any) -> int:
    return int(process.anchor.read().checkpoint.size)


def test_a_process_without_anything_of_its_own_notices_an_older_copy(
    first: Any, sharing: Callable[..., Any]
) -> None:
    first.end()
    first.cut(6)
    replica = sharing("replica")
    assert "the ledger has 6 entries, while the anchor has 10" in replica.keeper.alarm
    assert replica.refuses()
    first.begin()


def test_signers_that_take_turns_keep_the_newest(first: Any, sharing: Callable[..., Any]) -> None:
    second = sharing("second", keys_of=first)
    for size in range(11, 17):
        first.add(str(size))
        for process in (first, second) if size % 2 else (second, first):
            process.keep()
            assert process.latest().size == anchored_size(process) == size
    assert len(first.objects.names()) == 1
    assert (first.keeper.alarm, second.keeper.alarm) == ("", "")


def test_whoever_signs_an_older_head_than_is_anchored_leaves_that_and_goes_on(
    first: Any, sharing: Callable[..., Any]
) -> None:
    second = sharing("second", keys_of=first)

    def overtake() -> None:
        second.add("12")
        second.keep()

    first.add("11")
    # It has looked at the ledger, and is about to keep a checkpoint of eleven.
    first.objects.before = overtake
    first.keep()
    assert (anchored_size(first), first.latest().size) == (12, 12)
    first.add("13")
    first.keep()
    assert (anchored_size(second), first.latest().size) == (13, 13)
    second.keep()
    assert (first.keeper.alarm, second.keeper.alarm) == ("", "")


@pytest.mark.parametrize("when", ["at its start", "while it runs"])
def test_what_another_one_anchors_while_a_process_looks_is_no_alarm(
    first: Any, sharing: Callable[..., Any], when: str
) -> None:
    second = sharing("second", keys_of=first)

    def overtake() -> None:
        first.add("11", "12")
        first.keep()

    second.objects.before = overtake
    if when == "at its start":
        second.restart()
    else:
        second.add("10 and a half")
        second.keep()
        second.keep()
    assert second.keeper.alarm == ""
    second.keep()
    assert second.latest().size == anchored_size(second) == second.head().size


@pytest.mark.parametrize(
    ("size", "told"), [(11, "the anchor has root 0707"), (12, "while the anchor has 12 with root 0707")]
)
def test_a_process_that_went_on_with_another_copy_stops_when_it_sees_the_anchor(
    first: Any, size: int, told: str
) -> None:
    key = first.key_file.load("example.com/log")
    elsewhere = Checkpoint("example.com/log", size, b"\x07" * 32).signed_by(key)
    first.objects.put(f"{0:010}-{size:020}-{'07' * 32}", Anchored(elsewhere, 0).to_bytes())
    first.add("11")
    if size > 11:
        # It leaves the newer one alone, and looks at it the next time.
        first.keep()
    with pytest.raises(LedgerDamaged, match=told):
        first.keep()
    assert first.latest().size == 10


def test_after_a_decision_all_go_on_from_it(first: Any, sharing: Callable[..., Any]) -> None:
    second = sharing("second", keys_of=first)
    first.cut(6)
    first.restart()
    second.keep()
    assert first.refuses()
    assert second.refuses()
    recovery = recover(first.database, first.writer, first.clock, anchor=second.anchor, reason="restored")
    assert (recovery.kept_size, recovery.anchor_size) == (6, 10)
    assert first.anchor.read() is None
    for process in (second, first):
        process.keep()
        assert process.keeper.alarm == ""
        assert not process.refuses()
    second.keep()
    assert (anchored_size(first), first.anchor.read().recoveries) == (9, 1)


def test_an_anchor_of_after_a_recovery_that_the_ledger_does_not_tell_of_is_an_alarm(first: Any) -> None:
    kept = first.anchor.read()
    assert first.anchor.write(Anchored(kept.note, kept.recoveries + 1))
    first.restart()
    assert "tells of 0 recoveries, while the anchor was written after 1" in first.keeper.alarm
    assert first.refuses()


def test_a_place_that_does_not_answer_keeps_a_start_from_serving_and_a_server_from_signing(
    first: Any, sharing: Callable[..., Any]
) -> None:
    def away() -> None:
        raise StorageUnavailable("anchor")

    first.add("11")
    first.objects.before = away
    with pytest.raises(StorageUnavailable):
        first.keep()
    assert (first.latest().size, anchored_size(first)) == (10, 10)
    first.keep()
    assert (first.latest().size, anchored_size(first), first.keeper.alarm) == (11, 11, "")
    first.objects.before = away
    with pytest.raises(StorageUnavailable):
        first.keeper.inspect()
