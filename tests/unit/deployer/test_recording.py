"""Recording what the endpoint predicts: a recorder per version, and never at the cost of an answer."""

from __future__ import annotations

import threading

import pytest
from muniment.errors import DeadlineExceeded, PermissionDenied
from muniment_deployer.recording import PAUSE_SECONDS, Recording


class FakeRecorder:
    def __init__(self, number: int, refusing: bool) -> None:
        self.number = number
        self.refusing = refusing
        self.recorded: list[tuple[bytes, bytes]] = []
        self.closed = threading.Event()

    def record(self, *, input: bytes, output: bytes) -> str:
        if self.refusing:
            raise PermissionDenied("controllers may not")
        self.recorded.append((input, output))
        return f"{self.number}-{len(self.recorded)}"

    def close(self, timeout: float) -> None:
        self.closed.set()
        raise DeadlineExceeded("the registry is away")


class World:
    """Recorders that were made, and a clock."""

    def __init__(self) -> None:
        self.made: list[FakeRecorder] = []
        self.refusing = False
        self.now = 0.0
        self.recording = Recording(self._make, clock=lambda: self.now)

    def _make(self, number: int) -> FakeRecorder:
        self.made.append(FakeRecorder(number, self.refusing))
        return self.made[-1]


@pytest.fixture
def world() -> World:
    return World()


def test_each_version_has_a_recorder_and_old_ones_are_closed(world: World) -> None:
    record = world.recording.record
    assert [record(1, b"a", b"b"), record(2, b"c", b"d"), record(1, b"e", b"f")] == ["1-1", "2-1", "1-2"]
    assert record(3, b"", b"") == "3-1"
    assert [one.number for one in world.made] == [1, 2, 3]
    assert world.made[0].closed.wait(60)
    assert world.made[0].recorded == [(b"a", b"b"), (b"e", b"f")]
    world.recording.close()
    assert all(one.closed.is_set() for one in world.made)


def test_a_refusal_costs_no_answer_and_is_tried_again_later(world: World) -> None:
    world.refusing = True
    assert world.recording.record(1, b"", b"") is None
    world.refusing = False
    assert world.recording.record(1, b"", b"") is None
    assert len(world.made) == 1
    assert world.made[0].closed.wait(60)
    world.now = PAUSE_SECONDS
    assert world.recording.record(1, b"", b"") == "1-1"
