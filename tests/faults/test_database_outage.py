"""PostgreSQL goes away under a running server and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from harness.api import Api, refusal
from harness.postgres import PostgresServer, running_postgres
from harness.processes import RunningProcess
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import metadata_service_pb2

pytestmark = pytest.mark.xdist_group("own-postgresql")


@pytest.fixture(scope="module")
def own_postgres(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A PostgreSQL that the test may stop."""
    with running_postgres(tmp_path_factory.getbasetemp().parent / "postgres.lock") as running:
        yield running


def test_calls_say_unavailable_while_the_database_is_away_and_work_again_after(
    own_postgres: PostgresServer,
    server_factory: ServerFactory,
    start_worker: Callable[..., RunningProcess],
    read_journal: Callable[[Path], list[dict[str, Any]]],
    connect: Callable[[ServerProcess], Api],
    check_ledger: Callable[[Api], list[Any]],
    entries_of: Callable[[Api, str], list[Any]],
    until: Callable[..., None],
    tmp_path: Path,
) -> None:
    own_postgres.create("registry")
    server = server_factory(database=own_postgres.url("registry"))
    api = connect(server)
    journal = tmp_path / "watch.jsonl"
    start_worker("watch_on", server, journal).wait_for_line("^watching$")
    expected = []
    for outage in range(2):
        expected.append(api.new_version(api.new_model(f"model-{outage}").rpartition("/")[2]).name)
        own_postgres.crash()
        for _ in range(3):
            for call, request in (
                (
                    api.metadata.CreateModel,
                    metadata_service_pb2.CreateModelRequest(
                        parent=api.parent(), model_id=f"lost-{outage}", request_id=f"lost-{outage}"
                    ),
                ),
                (api.metadata.ListModels, metadata_service_pb2.ListModelsRequest(parent=api.parent())),
            ):
                with pytest.raises(grpc.RpcError) as away:
                    call(request)
                assert refusal(away.value)[:2] == (grpc.StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE")
        own_postgres.start()
        # The same message as in the outage, as a client repeats it.
        api.metadata.CreateModel(
            metadata_service_pb2.CreateModelRequest(
                parent=api.parent(), model_id=f"lost-{outage}", request_id=f"lost-{outage}"
            )
        )
    entries = check_ledger(api)
    assert [entry.type for entry in entries].count("model.created") == 4
    assert [entry.type for entry in entries].count("version.created") == len(expected)
    wanted = [entry.revision for entry in entries_of(api, api.parent())]
    until(lambda: len(read_journal(journal)) >= len(wanted), "the watcher has seen all")
    assert [line["revision"] for line in read_journal(journal)] == wanted
    server.stop()


def test_a_server_stops_in_good_order_while_the_database_is_away(
    own_postgres: PostgresServer,
    server_factory: ServerFactory,
    connect: Callable[[ServerProcess], Api],
) -> None:
    own_postgres.create("stopped")
    server = server_factory(database=own_postgres.url("stopped"))
    connect(server).new_model("churn")
    own_postgres.crash()
    server.stop()
    own_postgres.start()
