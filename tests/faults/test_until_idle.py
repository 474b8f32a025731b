"""An embedded server ends after its last client."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.api import Api
from harness.server import ServerFactory, ServerProcess


class Client:
    """Holds the lock by which a server knows that it has a client."""

    def __init__(self, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._descriptor: int | None = os.open(data / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


@pytest.fixture
def join() -> Iterator[Callable[[Path], Client]]:
    """Joins a data directory as one more client."""
    clients: list[Client] = []

    def new_client(data: Path) -> Client:
        clients.append(Client(data))
        return clients[-1]

    yield new_client
    for client in clients:
        client.leave()


def test_a_server_started_until_idle_stays_for_every_client_and_ends_after_the_last(
    server_factory: ServerFactory,
    connect: Callable[[ServerProcess], Api],
    join: Callable[[Path], Client],
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    first = join(data)
    server = server_factory("--until-idle", data=data)
    second = join(data)
    connect(server).new_model("churn")
    first.leave()
    # A server that is asked to end by the wrong client's leaving would be gone before it answers this often.
    with pytest.raises(AssertionError, match="still runs"):
        server.process.wait(deadline=7)
    connect(server).new_model("fraud")
    second.leave()
    assert server.process.wait() == 0, server.stderr
    assert "no client is left" in server.stderr
    assert not (data / "server.json").exists()


def test_a_client_that_joins_while_the_server_ends_waits_for_the_end(
    server_factory: ServerFactory, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    server = server_factory("--until-idle", data=data)
    descriptor = os.open(data / "clients.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        server.process.wait_for_stderr("no client is left")
        # Granted only when the process has ended and so let go of it.
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        assert server.process.wait() == 0
        assert not (data / "server.json").exists()
    finally:
        os.close(descriptor)
