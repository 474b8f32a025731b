"""What a server costs that does nothing: memory, and the time to get there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from harness.bars import ROUNDS, BarTable
from harness.peer import Peer, resident_mib
from harness.postgres import PostgresServer
from harness.server import ServerFactory


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def urls(request: pytest.FixtureRequest, database: str) -> Iterator[Callable[[str], str | None]]:
    """Gives PostgreSQL databases, copies of one by its name, or None for SQLite."""
    with ExitStack() as stack:

        def fresh(template: str) -> str | None:
            if database == "sqlite":
                return None
            postgres: PostgresServer = request.getfixturevalue("postgres")
            return stack.enter_context(postgres.database(template=template))

        yield fresh


def test_memory_and_start_of_an_idle_server(
    request: pytest.FixtureRequest,
    server_factory: ServerFactory,
    new_peer: Callable[[str | None], Peer | None],
    database: str,
    urls: Callable[[str], str | None],
    table: BarTable,
) -> None:
    # An embedded database is migrated by the server itself, any other before it starts.
    migrated = "" if database == "sqlite" else str(request.getfixturevalue("_migrated_template"))
    seconds, memory = [], []
    for _ in range(ROUNDS):
        url = urls(migrated)
        began = time.monotonic()
        server = server_factory(database=url, migrate=False)
        seconds.append(time.monotonic() - began)
        memory.append(resident_mib(server.pid))
        server.stop()
    peer = new_peer(urls("template0"))
    # One start of the peer is enough: it takes ten times as long as all of ours.
    against = {} if peer is None else {"peer": [peer.seconds_to_serve] * ROUNDS}
    table.add("start to serving", database, ours=seconds, unit="s", against=against, at_most={"": 2.0})
    against = {} if peer is None else {"peer": [peer.resident_mib()] * ROUNDS}
    table.add("idle memory", database, ours=memory, unit="MiB", against=against, at_most={"": 150.0})
