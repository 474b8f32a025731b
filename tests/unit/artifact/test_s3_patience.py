"""Repeating requests: with growing pauses, not past the deadline, and only what may succeed."""

from __future__ import annotations

import itertools

import pytest
import urllib3
from minio.error import InvalidResponseError, ServerError
from muniment_artifact.blobs.s3.errors import is_transient
from muniment_artifact.blobs.s3.patience import LONGEST_PAUSE, Attempts, Patience

BUSY = ServerError("busy", 503)


class Clock:
    """Time that passes by pauses, and by what attempts take."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def _patience(clock: Clock, *, deadline: float = 25.0, attempt: float = 10.0) -> Patience:
    return Patience(deadline, attempt, clock, clock.pause)


def test_pauses_grow_up_to_a_bound_and_are_never_all_alike() -> None:
    clock = Clock()
    attempts = Attempts(_patience(clock, deadline=1_000.0))
    for _ in range(12):
        attempts.spend(BUSY)
    for number, pause in enumerate(clock.pauses):
        ceiling = min(LONGEST_PAUSE, 0.1 * 2**number)
        assert ceiling / 2 <= pause <= ceiling
    assert len(set(clock.pauses)) == len(clock.pauses)


def test_no_attempt_is_begun_that_could_end_after_the_deadline() -> None:
    clock = Clock()
    begun: list[float] = []

    def hang() -> None:
        begun.append(clock.now)
        clock.now += 10.0
        raise urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("x"), "/", "hangs")

    with pytest.raises(urllib3.exceptions.ReadTimeoutError):
        _patience(clock).run(hang)
    assert len(begun) == 2
    assert clock.now <= 25.0


def test_progress_gives_time_anew() -> None:
    clock = Clock()
    attempts = Attempts(_patience(clock))
    for _ in range(50):
        clock.now += 5.0
        attempts.spend(BUSY)
        attempts.progressed()
    assert not attempts.out_of_time
    clock.now += 25.1
    assert attempts.out_of_time


def test_an_answer_ends_the_repeating() -> None:
    clock = Clock()
    answers = itertools.chain([BUSY, BUSY], itertools.repeat(7))

    def ask() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert _patience(clock).run(ask) == 7
    assert len(clock.pauses) == 2


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ServerError("", 503), True),
        (ServerError("", 501), False),
        (InvalidResponseError(503, "text/html", "<html>busy</html>"), True),
        (InvalidResponseError(200, "text/plain", "<Code>SlowDown</Code>"), True),
        (InvalidResponseError(403, "text/plain", "<Code>AccessDenied</Code>"), False),
        (urllib3.exceptions.ProtocolError("reset"), True),
        (urllib3.exceptions.SSLError("not believed"), False),
        (OSError("disk"), False),
    ],
)
def test_what_may_succeed_the_next_time(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient
