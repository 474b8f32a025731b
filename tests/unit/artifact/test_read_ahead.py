"""Reading ahead: in order, within bounds, and with nothing left over when a reader leaves."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

import pytest
from muniment_artifact.ahead import ReadAhead, in_turn

DEADLINE = 60


@dataclass(frozen=True)
class Part:
    """A piece of some bytes; ``fails`` when it is read."""

    number: int
    size: int = 4
    fails: bool = False


@dataclass
class Reading:
    """Counts what is read at once."""

    gate: threading.Event = field(default_factory=threading.Event)
    begun: list[int] = field(default_factory=list)

    def read(self, part: Part) -> Generator[bytes, None, None]:
        self.begun.append(part.number)
        assert self.gate.wait(DEADLINE)
        if part.fails:
            raise OSError(f"part {part.number}")
        yield b"%02d" % part.number
        yield b"--"


@pytest.fixture
def reading() -> Reading:
    """Reads at once."""
    reading = Reading()
    reading.gate.set()
    return reading


@pytest.fixture
def ahead() -> Iterator[ReadAhead]:
    """Three pieces of a stream at once, four of all."""
    made = ReadAhead(threads=4, pieces=3, max_bytes=16)
    yield made
    made.close()


def _joined(run) -> list[tuple[int, bytes]]:
    return [(part.number, b"".join(data)) for part, data in run]


def test_pieces_come_in_order_as_without_reading_ahead(ahead: ReadAhead, reading: Reading) -> None:
    parts = [Part(number) for number in range(50)]
    found = _joined(ahead.run(parts, reading.read))
    assert found == [(number, b"%02d--" % number) for number in range(50)]
    assert found == _joined(in_turn(parts, reading.read))


def test_a_piece_larger_than_the_bound_is_read_in_its_turn(ahead: ReadAhead, reading: Reading) -> None:
    parts = [Part(0), Part(1, size=17), Part(2)]
    assert [number for number, _ in _joined(ahead.run(parts, reading.read))] == [0, 1, 2]


def test_a_failure_comes_when_its_turn_has_come(ahead: ReadAhead, reading: Reading) -> None:
    run = ahead.run([Part(0), Part(1, fails=True), Part(2)], reading.read)
    part, data = next(run)
    assert (part.number, b"".join(data)) == (0, b"00--")
    with pytest.raises(OSError, match="part 1"):
        next(run)


def test_streams_beside_each_other_each_get_all_of_theirs(ahead: ReadAhead, reading: Reading) -> None:
    reading.gate.clear()
    threads = [
        threading.Thread(target=_joined, args=[ahead.run([Part(n) for n in range(8)], reading.read)])
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    reading.gate.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert sorted(reading.begun) == sorted([*range(8), *range(8)])


def test_a_reader_that_leaves_gives_back_all_it_took(ahead: ReadAhead, reading: Reading) -> None:
    for _ in range(20):
        run = ahead.run([Part(number) for number in range(10)], reading.read)
        next(run)
        run.close()
    ahead.close()
    assert ahead.left == 16
