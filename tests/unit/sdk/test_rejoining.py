"""A connection to an embedded server that dies goes on with the next one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, repeat

import grpc
import pytest
from muniment import errors
from muniment.transport.calls import Calls
from muniment.transport.moving import MovingChannel

PATH = "/test.Service/Method"


class Gone(grpc.RpcError):
    """Nobody answers."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> str:
        return "connection refused"

    def trailing_metadata(self) -> tuple[()]:
        return ()


class Line:
    """Stands for a gRPC channel: one unary method, which answers with the line's name unless it is dead."""

    def __init__(self, name: str, *, dead: bool = False) -> None:
        self.name = name
        self.dead = dead
        self.tokens: list[str] = []

    def unary_unary(self, path, **_):
        def call(request, *, metadata, timeout):
            if self.dead:
                raise Gone
            self.tokens.append(dict(metadata)["authorization"])
            return f"{self.name} {request}"

        return call

    unary_stream = unary_unary

    def close(self) -> None:
        self.dead = True


class Rejoining:
    """A connection whose first server is dead."""

    def __init__(self, *, then: Line | errors.MunimentError) -> None:
        self.rejoined = 0
        self._then = then
        self._channel = MovingChannel(Line("first", dead=True))
        # Threads that begin together may each ask for the token.
        tokens = chain(["one"], repeat("two"))
        self.calls = Calls(
            lambda: self._channel, target="first", timeout=1, token=lambda: next(tokens), rejoin=self._rejoin
        )
        self.method = self._channel.unary_unary(PATH)

    def _rejoin(self, channel: MovingChannel) -> str:
        self.rejoined += 1
        if isinstance(self._then, errors.MunimentError):
            raise self._then
        channel.move(self._then)
        return self._then.name


def test_a_call_nobody_answers_is_made_again_to_the_next_server_with_its_token() -> None:
    next_one = Line("second")
    connection = Rejoining(then=next_one)
    assert connection.calls.unary(connection.method, "hello") == "second hello"
    assert (connection.calls.target, connection.rejoined) == ("second", 1)
    connection.calls.unary(connection.method, "again")
    assert next_one.tokens == ["Bearer two", "Bearer two"]


def test_threads_that_lose_a_server_together_look_for_one_new_server() -> None:
    connection = Rejoining(then=Line("second"))
    together = threading.Barrier(4)

    def call(number: int) -> str:
        together.wait(30)
        return connection.calls.unary(connection.method, number)

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(call, range(4))) == [f"second {number}" for number in range(4)]
    assert connection.rejoined == 1


def test_a_server_that_cannot_be_replaced_stays_unreachable_and_says_why() -> None:
    connection = Rejoining(then=errors.ServerNotStarted("the disk is full"))
    with pytest.raises(errors.Unreachable, match="could be started: the disk is full"):
        connection.calls.unary(connection.method, "hello")


def test_two_deaths_in_a_row_are_told_and_not_followed_for_ever() -> None:
    connection = Rejoining(then=Line("second", dead=True))
    with pytest.raises(errors.Unreachable, match="no registry answers at second"):
        connection.calls.unary(connection.method, "hello")
    assert connection.rejoined == 1
