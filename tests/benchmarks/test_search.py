"""Search: as quick over 100,000 versions as over 10,000, and against the peer."""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import psycopg
import pytest
from catalogs.large import METRICS, TEAMS, dataset_digest, fill
from harness.api import Api
from harness.bars import BarTable, interleaved
from harness.peer import Peer
from harness.postgres import PostgresServer
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import metadata_service_pb2 as pb
from muniment_core.db.database import Database

SMALL, LARGE = 10_000, 100_000
PAGE = 20
CALLS = 150

# Every call asks for another value, as callers do.
ASKED: dict[str, Callable[[int], tuple[str, str]]] = {
    "metric range, ordered by it": lambda index: (
        f"metrics.f1 > 0.{50 + index % 45}",
        "metrics.f1 desc",
    ),
    "tag and stage": lambda index: (f"tags.team = {TEAMS[index % 10]} AND stage = production", ""),
    "data set by digest": lambda index: (f'dataset.digest = "{dataset_digest(index % 100)}"', ""),
}


def two_tags(index: int) -> tuple[str, str]:
    return f"tags.team = {TEAMS[index % 10]} AND tags.tier = {index % 3}", ""


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def urls(request: pytest.FixtureRequest, database: str) -> Iterator[Callable[[], str | None]]:
    """Gives fresh PostgreSQL databases, or None for SQLite."""
    with ExitStack() as stack:

        def fresh() -> str | None:
            if database == "sqlite":
                return None
            postgres: PostgresServer = request.getfixturevalue("postgres")
            return stack.enter_context(postgres.database())

        yield fresh


def filled(
    server_factory: ServerFactory, url: str | None, count: int, metrics: Sequence[str] = METRICS
) -> ServerProcess:
    """A server over a catalog of so many versions."""
    server = server_factory(database=url)
    server.stop()
    opened = Database(url) if url else Database.embedded(server.data)
    with closing(opened):
        fill(opened, count, metrics=metrics)
    server.restart()
    return server


def latency(api: Api, question: Callable[[int], tuple[str, str]]) -> float:
    """Median time of a search in ms, one after the other."""
    times = []
    for index in range(CALLS):
        where, order_by = question(index)
        request = pb.SearchVersionsRequest(
            parent=api.parent(), filter=where, order_by=order_by, page_size=PAGE
        )
        began = time.perf_counter()
        answer = api.metadata.SearchVersions(request)
        times.append(time.perf_counter() - began)
        assert answer.versions
    return median(times) * 1000


@pytest.mark.timeout(7200)
def test_search_does_not_grow_with_the_catalog(
    server_factory: ServerFactory, database: str, urls: Callable[[], str | None], table: BarTable
) -> None:
    servers = {size: filled(server_factory, urls(), size) for size in (SMALL, LARGE)}
    with ExitStack() as stack:
        apis = {
            size: stack.enter_context(Api(server.address, server.token)) for size, server in servers.items()
        }
        for name, question in ASKED.items():
            measures = {str(size): partial(latency, api, question) for size, api in apis.items()}
            figures = interleaved(measures, rounds=5)
            small = f"{SMALL:,} versions"
            table.add(
                f"search {LARGE:,} versions: {name}",
                database,
                ours=figures[str(LARGE)],
                unit="ms",
                against={small: figures[str(SMALL)]},
                at_most={small: 2.0},
            )
    for server in servers.values():
        server.stop()


@pytest.mark.timeout(3600)
def test_search_by_two_conditions_against_the_peer(
    server_factory: ServerFactory,
    new_peer: Callable[[str | None], Peer | None],
    database: str,
    urls: Callable[[], str | None],
    table: BarTable,
    tmp_path: Path,
) -> None:
    # Versions of the peer have no metrics of their own: ours answer with two.
    server, peer_url = filled(server_factory, urls(), SMALL, METRICS[:2]), urls()
    peer = new_peer(peer_url)
    with Api(server.address, server.token) as api:
        measures = {"ours": partial(latency, api, two_tags)}
        if peer is not None:
            fill_peer(peer, peer_url or tmp_path / "peer" / "peer.db")
            measures["peer"] = partial(peer_latency, peer)
        figures = interleaved(measures, rounds=5)
    table.add(
        f"search {SMALL:,} versions: two tags, page of {PAGE}",
        database,
        ours=figures.pop("ours"),
        unit="ms",
        against=figures,
        at_most={"peer": 1 / 8},
    )
    server.stop()


def fill_peer(peer: Peer, store: str | Path) -> None:
    """As many versions for the peer, with the same tags: copies of one that it made itself."""
    tags = [{"key": "team", "value": TEAMS[0]}, {"key": "tier", "value": "0"}]
    body = {"name": "m", "source": "s3://models/m", "tags": tags}
    with connected(peer) as connection:
        connection.request("POST", f"{_PATH}/create", json.dumps(body), {"Content-Type": "application/json"})
        version = int(json.loads(connection.getresponse().read())["model_version"]["version"])
    opened: Any = sqlite3.connect(store) if isinstance(store, Path) else psycopg.connect(store)
    with closing(opened), opened:
        cursor = opened.cursor()
        for name in ("model_versions", "model_version_tags"):
            cursor.execute(f"SELECT * FROM {name} WHERE name = 'm' AND version = {version}")
            columns = [column[0] for column in cursor.description]
            rows = cursor.fetchall()
            places = ", ".join(["?" if isinstance(store, Path) else "%s"] * len(columns))
            copies = []
            for number in range(version + 1, SMALL + 1):
                tagged = {"team": TEAMS[number % 10], "tier": str(number % 3)}
                for row in rows:
                    copy = dict(zip(columns, row, strict=True)) | {"version": number}
                    if "key" in copy:
                        copy["value"] = tagged[copy["key"]]
                    copies.append([copy[column] for column in columns])
            cursor.executemany(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({places})", copies)


def peer_latency(peer: Peer) -> float:
    """Median time of the same search in ms, over a kept connection."""
    times = []
    with connected(peer) as connection:
        for index in range(CALLS):
            where = f"tags.team = '{TEAMS[index % 10]}' AND tags.tier = '{index % 3}'"
            query = urllib.parse.urlencode({"filter": where, "max_results": PAGE})
            began = time.perf_counter()
            connection.request("GET", f"{_PATH}/search?{query}")
            answer = connection.getresponse()
            read = answer.read()
            times.append(time.perf_counter() - began)
            assert answer.status == 200, read[:500]
            assert len(json.loads(read)["model_versions"]) == PAGE
    return median(times) * 1000


_PATH = "/api/2.0/mlflow/model-versions"


@contextmanager
def connected(peer: Peer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", peer.port, timeout=120)
    with closing(connection):
        yield connection
