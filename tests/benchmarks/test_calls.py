"""Resolving and registering, by sixteen clients and by one, against the bare stack and the peer.

Sixteen clients are connections with as little of a client as will do, or the clients would be what is measured:
here gRPC's in Python takes as much processor time as the bare server does. One client is the one a program has:
ours is the SDK and the generated stub, the peer's its Python client with its defaults, by which it asks once
more whether what it registered is ready. What one connection takes without any client is shown beside it.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.peer import Peer
from harness.postgres import PostgresServer
from harness.processes import ProcessRunner
from harness.server import ServerFactory
from muniment.v1 import promotion_service_pb2

PROGRAMS = Path(__file__).parent / "programs"
MODEL = "projects/default/models/m"
SECONDS = 3
Run = Callable[..., dict[str, float]]

RATE_GOALS = {
    ("resolve", "sqlite"): {"peer": 20.0, "bare": 0.6},
    ("resolve", "postgresql"): {"peer": 8.0, "bare": 0.6},
    ("register", "sqlite"): {"peer": 15.0},
    ("register", "postgresql"): {"peer": 8.0},
}
LATENCY_GOALS = {"resolve": {"peer": 1 / 10}, "register": {"peer": 1 / 8}}


def committed(database: str | Path, table: str) -> int:
    """How many rows a table holds, as anybody sees who opens the database."""
    query = f"SELECT count(*) FROM {table}"
    if isinstance(database, Path):
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute(query).fetchone()[0])
    with psycopg.connect(database) as connection:
        found: Any = connection.execute(query).fetchone()
        return int(found[0])


class Contestant:
    """A server under load: how to load it, and where it commits."""

    def __init__(self, connections: Run, own_client: Run, database: str | Path, table: str) -> None:
        """
        Args:
            connections: loads it over connections with next to no client.
            own_client: loads it with the client its callers have.
        """
        self._connections = connections
        self._own_client = own_client
        self._database = database
        self._table = table
        self._rounds = 0

    def rate(self, method: str, connections: int) -> float:
        """Calls per second that had their effect: answers of a read, committed rows of a change."""
        result = self._result(self._connections, method=method, connections=connections)
        return result["answered"] / result["seconds"]

    def connection_latency(self, method: str) -> float:
        """Median latency of one connection's calls in ms."""
        return self._result(self._connections, method=method, connections=1)["p50_ms"]

    def client_latency(self, method: str) -> float:
        """Median latency of its own client's calls in ms."""
        return self._result(self._own_client, method=method)["p50_ms"]

    def _result(self, run: Run, **spec: Any) -> dict[str, float]:
        self._rounds += 1
        before = committed(self._database, self._table)
        result = run(round=self._rounds, **spec)
        if spec["method"] == "register":
            assert committed(self._database, self._table) - before == result["answered"]
        return result


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def contestants(
    request: pytest.FixtureRequest,
    database: str,
    server_factory: ServerFactory,
    processes: ProcessRunner,
    new_peer: Callable[[str | None], Peer | None],
    load: Run,
    tmp_path: Path,
) -> Any:
    """Ours, the bare stack and the peer, each with a model whose version 1 is in production."""
    with ExitStack() as stack:
        urls: list[str] = []
        if database == "postgresql":
            postgres: PostgresServer = request.getfixturevalue("postgres")
            urls = [stack.enter_context(postgres.database()) for _ in range(3)]
        ours_url, bare_url, peer_url = urls or (None, None, None)
        server = server_factory(database=ours_url)
        with Api(server.address, server.token) as api:
            api.new_model("m")
            digest = api.new_version("m").digest
            version = f"{MODEL}/versions/1"
            request_ = promotion_service_pb2.RequestPromotionRequest(version=version, stage="production")
            api.promotion.RequestPromotion(request_)
        bare = processes.start(
            sys.executable, str(PROGRAMS / "bare.py"), bare_url or str(tmp_path), name="bare"
        )
        bare_address = bare.wait_for_line(r"^serving on (\S+)$").group(1)

        def speaks_grpc(address: str, token: str, where: str | Path) -> Contestant:
            spec = {"model": MODEL, "digest": digest, "address": address, "token": token, "seconds": SECONDS}
            return Contestant(
                partial(load, "load.py", **spec), partial(load, "own_client.py", **spec), where, "versions"
            )

        found = {
            "ours": speaks_grpc(server.address, server.token, ours_url or server.data / "muniment.db"),
            "bare": speaks_grpc(bare_address, "none", bare_url or tmp_path / "bare.db"),
        }
        peer = new_peer(peer_url)
        if peer is not None:
            spec = {"port": peer.port, "seconds": SECONDS}
            found["peer"] = Contestant(
                partial(load, "load_peer.py", host="127.0.0.1", **spec),
                partial(load, "own_client_peer.py", python=peer.python, **spec),
                peer_url or tmp_path / "peer/peer.db",
                "model_versions",
            )
        for each in found.values():  # nobody's first round pays for warming up
            each.rate("resolve", 4)
            each.rate("register", 4)
        yield found
        processes.reap()


def test_resolve_and_register_against_the_bare_stack_and_the_peer(
    contestants: dict[str, Contestant], database: str, table: BarTable
) -> None:
    for method in ("resolve", "register"):
        figures = interleaved({name: partial(each.rate, method, 16) for name, each in contestants.items()})
        ours = figures.pop("ours")
        table.add(
            f"{method}, 16 clients",
            database,
            ours=ours,
            unit="/s",
            against=figures,
            at_least=RATE_GOALS[method, database],
        )
    for method in ("resolve", "register"):
        figures = interleaved(
            {name: partial(each.client_latency, method) for name, each in contestants.items()}
        )
        ours = figures.pop("ours")
        table.add(
            f"{method}, 1 client, p50",
            database,
            ours=ours,
            unit="ms",
            against=figures,
            at_most=LATENCY_GOALS[method],
        )
    for method in ("resolve", "register"):
        figures = interleaved(
            {name: partial(each.connection_latency, method) for name, each in contestants.items()}
        )
        ours = figures.pop("ours")
        table.add(f"{method}, 1 connection, p50", database, ours=ours, unit="ms", against=figures)
