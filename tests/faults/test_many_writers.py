"""Two servers on one PostgreSQL, many writers: one ledger, every request once, every watcher the same story."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psycopg
import pytest
from harness.api import Api
from harness.server import ServerFactory
from muniment.v1 import catalog_pb2, ledger_service_pb2, metadata_service_pb2, promotion_service_pb2
from muniment_core.db.database import Database
from muniment_server.fsck.run import Fsck

WRITERS = 16
WATCHERS = 4
EACH, SECONDS_OF_SOAK = 40, 60.0


class Watcher:
    """Follows the ledger from its first revision on."""

    def __init__(self, api: Api) -> None:
        self.seen: list[tuple[int, bytes]] = []
        request = promotion_service_pb2.WatchRequest(parent="projects/-", after_revision=0)
        self._call = api.promotion.Watch(request, timeout=600)
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        try:
            for response in self._call:
                self.seen += [(entry.revision, entry.leaf_hash) for entry in response.entries]
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                raise

    def stop(self) -> None:
        self._call.cancel()
        self._thread.join()


class Writer:
    """Makes changes through both servers, some of them twice under one `request_id`."""

    def __init__(self, number: int, apis: tuple[Api, Api]) -> None:
        self.acknowledged: dict[str, tuple[str, str]] = {}
        self.refusals: list[object] = []
        self._number = number
        self._apis = apis
        self._dice = random.Random(number)

    def run(self, end: float) -> None:
        """As many requests as every writer makes, and after that until the end."""
        count = 0
        while count < EACH or time.monotonic() < end:
            count += 1
            request_id = f"w{self._number}-{count}"
            call = self._create if count % 3 == 1 else self._measure
            try:
                answers = [call(self._dice.choice(self._apis), request_id, count)]
                if self._dice.random() < 0.2:
                    answers.append(call(self._dice.choice(self._apis), request_id, count))
            except grpc.RpcError as error:
                self.refusals.append((error.code(), error.details()))
                continue
            # A repeated request is answered with the bytes of the first answer.
            assert len(set(answers)) == 1, answers
            self.acknowledged[request_id] = (
                ("model", request_id) if call == self._create else ("f1", str(count))
            )

    def _create(self, api: Api, request_id: str, _count: int) -> bytes:
        request = metadata_service_pb2.CreateModelRequest(
            parent=api.parent(), model_id=request_id, request_id=request_id
        )
        return bytes(api.metadata.CreateModel(request).SerializeToString(deterministic=True))

    def _measure(self, api: Api, request_id: str, count: int) -> bytes:
        metric = catalog_pb2.Metric(key=f"f{self._number}", value=0.5, step=count)
        request = metadata_service_pb2.AddMetricsRequest(
            version=f"{api.parent()}/models/churn/versions/1", metrics=[metric], request_id=request_id
        )
        return bytes(api.metadata.AddMetrics(request).SerializeToString(deterministic=True))


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_sixteen_writers_on_two_servers_leave_one_gapless_ledger_and_every_watcher_sees_it(
    server_factory: ServerFactory,
    migrated_postgres_database: str,
    check_ledger: Callable[[Api], list[ledger_service_pb2.LedgerEntry]],
    until: Callable[..., None],
    soak: bool,
) -> None:
    servers = [server_factory(database=migrated_postgres_database, migrate=False) for _ in range(2)]
    token = servers[0].token
    with Api(servers[0].address, token) as one, Api(servers[1].address, token) as other:
        one.new_model("churn")
        one.new_version("churn")
        watchers = [Watcher(api) for api in (one, other) for _ in range(WATCHERS // 2)]
        writers = [Writer(number, (one, other)) for number in range(WRITERS)]
        end = time.monotonic() + (SECONDS_OF_SOAK if soak else 0.0)
        with ThreadPoolExecutor(WRITERS) as pool:
            for done in [pool.submit(writer.run, end) for writer in writers]:
                done.result()
        entries = check_ledger(one)
        ledger = [(entry.revision, entry.leaf_hash) for entry in entries]
        assert [revision for revision, _ in ledger] == list(range(1, len(ledger) + 1))
        assert check_ledger(other) == entries
        for watcher in watchers:
            until(lambda of=watcher: len(of.seen) >= len(ledger), "every watcher has seen all")
            watcher.stop()
            assert watcher.seen == ledger
        acknowledged = {request_id for writer in writers for request_id in writer.acknowledged}
        assert [refusal for writer in writers for refusal in writer.refusals] == []
        assert len(acknowledged) >= WRITERS * EACH
        _each_happened_once(migrated_postgres_database, writers, acknowledged)
    database = Database(migrated_postgres_database)
    check = Fsck(database, None, progress=lambda _what, _count: None)
    assert list(check.tables()) == []
    database.close()
    print(
        f"\n{len(acknowledged)} acknowledged requests, {len(ledger)} entries, {len(watchers)} equal watchers"
    )


def _each_happened_once(url: str, writers: list[Writer], acknowledged: set[str]) -> None:
    with psycopg.connect(url) as connection:

        def column(statement: str) -> list[Any]:
            return [row[0] for row in connection.execute(statement)]

        remembered = column("SELECT request_id FROM requests WHERE request_id LIKE 'w%'")
        assert sorted(remembered) == sorted(acknowledged)
        revisions = column("SELECT revision FROM requests")
        assert len(set(revisions)) == len(revisions)
        models = column("SELECT name FROM models WHERE name LIKE 'w%'")
        metrics = column("SELECT key || '-' || step FROM version_metrics")
    created = [name for writer in writers for kind, name in writer.acknowledged.values() if kind == "model"]
    assert sorted(models) == sorted(created)
    measured = [
        request_id.replace("w", "f", 1)
        for writer in writers
        for request_id, (kind, _) in writer.acknowledged.items()
        if kind == "f1"
    ]
    assert sorted(metrics) == sorted(measured)
