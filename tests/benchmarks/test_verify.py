"""Verifying a whole ledger against a bare loop that reads the same rows and hashes them."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import muniment
import psycopg
import pytest
from harness.api import Api
from harness.bars import interleaved
from harness.population import ADMIN, Population, storage
from harness.server import ServerFactory
from muniment.ledger.merkle import leaf_hash
from muniment.ledger.tree import GrowingTree
from muniment.names import ModelName
from muniment.v1 import ledger_service_pb2
from muniment_core.db.database import Database
from muniment_core.db.request_store import RequestKey
from muniment_core.db.writer import Change
from muniment_metadata.models import create_model
from muniment_metadata.updates import LabelChange
from muniment_metadata.versions import update_version
from muniment_server.core import running_core
from muniment_server.fsck.run import Fsck

ENTRIES = 20_000
VERSIONS = 50
GOAL = 1 / 3
TABLES = {"ledger_entries": "revision", "ledger_nodes": "level, position", "requests": "revision"}


def grow(data: Path, database: str) -> None:
    """Makes a ledger of changes that were asked for over the contract, each under its own request."""
    model = ModelName("default", "churn")
    with running_core(storage(data, database)) as core:
        made = Population(core, storage(data, database), 1, lambda: None)
        made.change(lambda unit: create_model(unit, model, description="", tags={}))
        for _ in range(VERSIONS):
            made.version(model)
        futures: list[Future[Any]] = []
        for count in range(ENTRIES - VERSIONS):
            name = model.version(1 + count % VERSIONS)
            key = RequestKey(ADMIN.name, f"change-{count}", hashlib.sha256(b"%d" % count).digest())

            def work(unit: Any, name: Any = name, count: int = count) -> bytes:
                update_version(unit, name, LabelChange(f"words {count}"), etag="")
                return b"answer " * 40

            futures.append(core.writer.submit(Change(work, ADMIN.name, request=key)))
        for future in futures:
            future.result()
        core.keeper.keep(core.writer)


def hashed(bodies: Iterable[bytes]) -> bytes:
    tree, leaves = GrowingTree(), []
    for body in bodies:
        leaves.append(hashlib.sha256(b"\0" + body).digest())
        if len(leaves) == 1000:
            tree.append(leaves)
            leaves = []
    tree.append(leaves)
    return tree.root


def bare_rows(data: Path, url: str, *beside: str) -> None:
    """Reads every column of every entry, hashes the entries into a root, and reads other tables of the ledger."""
    with ExitStack() as stack:
        if url:
            server = stack.enter_context(psycopg.connect(url))
        else:
            # Never the last to close a file that a server has open, and never one to tidy it up.
            path = f"file:{data / 'muniment.db'}?mode=ro"
            file = stack.enter_context(closing(sqlite3.connect(path, uri=True)))

        def rows(table: str) -> Iterable[Any]:
            statement = f"SELECT * FROM {table} ORDER BY {TABLES[table]}"
            if not url:
                return file.execute(statement)
            cursor = stack.enter_context(server.cursor(table))
            cursor.itersize = 2000
            return cursor.execute(statement)

        assert hashed(row[11] for row in rows("ledger_entries"))
        for table in beside:
            for _ in rows(table):
                pass


def bare_calls(address: str, token: str) -> None:
    """Lists every entry, and hashes them into a root."""
    with Api(address, token) as api:
        request = ledger_service_pb2.ListEntriesRequest(parent="projects/-", page_size=1000)
        tree = GrowingTree()
        while True:
            answer = api.ledger.ListEntries(request)
            tree.append([leaf_hash(entry.body) for entry in answer.entries])
            request.page_token = answer.next_page_token
            if not request.page_token:
                return


def rate(work: Callable[[], None]) -> Callable[[], float]:
    def measure() -> float:
        begin = time.perf_counter()
        work()
        return ENTRIES / (time.perf_counter() - begin)

    return measure


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_verifying_a_ledger_against_reading_and_hashing_it(
    request: pytest.FixtureRequest, kind: str, table: Any, tmp_path: Path, server_factory: ServerFactory
) -> None:
    url = request.getfixturevalue("migrated_postgres_database") if kind == "postgresql" else ""
    data = tmp_path / "data"
    grow(data, url)
    database = Database(url) if url else Database.embedded(data)

    def fsck() -> None:
        assert list(Fsck(database, None, progress=lambda _what, _count: None).tables()) == []

    found = interleaved(
        {"ours": rate(fsck), "bare": rate(lambda: bare_rows(data, url, "ledger_nodes", "requests"))}
    )
    database.close()
    ours = found.pop("ours")
    table.add("fsck", kind, ours=ours, unit="/s", against=found, at_least={"bare": GOAL})

    server = server_factory(data=data, database=url or None, migrate=False)
    with muniment.connect(server.address, token=server.token) as registry:

        def verify() -> None:
            verified = registry.audit.verify(full=True)
            assert verified, verified.differences

        bare = {
            "bare": rate(lambda: bare_calls(server.address, server.token)),
            "bare SQL": rate(lambda: bare_rows(data, url)),
        }
        found = interleaved({"ours": rate(verify), **bare})
    ours = found.pop("ours")
    table.add("audit verify", kind, ours=ours, unit="/s", against=found, at_least={"bare": GOAL})
