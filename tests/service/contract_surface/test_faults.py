"""What a server answers while something around it is broken: a reason, never a text of its insides."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from grpc import RpcError, StatusCode
from harness.api import Api, Refusal, refusal, refused, sha256
from harness.postgres import PostgresServer
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import artifact_service_pb2 as artifact
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion

DEADLINE = 60.0


@pytest.fixture
def server_of_its_own(
    request: pytest.FixtureRequest, server_factory: ServerFactory, database: str
) -> ServerProcess:
    """A server this test may break."""
    if database == "sqlite":
        return server_factory()
    return server_factory(database=request.getfixturevalue("migrated_postgres_database"), migrate=False)


def change_schema(server: ServerProcess, statement: str) -> None:
    arguments = server.process.popen.args
    assert isinstance(arguments, list)
    if "--database" in arguments:
        with psycopg.connect(arguments[arguments.index("--database") + 1], autocommit=True) as connection:
            connection.execute(statement.encode())
    else:
        with closing(sqlite3.connect(server.data / "muniment.db", timeout=DEADLINE)) as connection:
            connection.execute(statement)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_defect_is_told_by_an_incident_number_alone_which_the_log_explains(
    server_of_its_own: ServerProcess,
) -> None:
    server = server_of_its_own
    with Api(server.address, server.token) as api:
        model = api.new_model("m")
        api.new_version("m")
        change_schema(server, "ALTER TABLE aliases RENAME TO confidential")
        seen = set()
        for call, request in (
            (api.metadata.ListAliases, pb.ListAliasesRequest(parent=model)),
            (api.metadata.SetAlias, pb.SetAliasRequest(name=f"{model}/aliases/a", number=1)),
        ):
            with pytest.raises(RpcError) as caught:
                call(request)
            why = refusal(caught.value)
            assert why[:2] == (StatusCode.INTERNAL, "INTERNAL")
            assert set(why.facts) == {"incident"}
            for inside in ("aliases", "SELECT", "sql", "Error", "psycopg", str(server.data)):
                assert inside not in caught.value.details()
            assert f"incident {why.facts['incident']}" in server.stderr
            seen.add(why.facts["incident"])
        assert len(seen) == 2
        assert "Traceback" in server.stderr
        # One defect stops nothing else.
        change_schema(server, "ALTER TABLE confidential RENAME TO aliases")
        assert api.metadata.SetAlias(pb.SetAliasRequest(name=f"{model}/aliases/a", number=1)).number == 1


def test_a_database_that_went_away_is_told_as_such_and_is_no_missing_resource(
    server_factory: ServerFactory, postgres: PostgresServer
) -> None:
    name = "goes_away"
    postgres.create(name)
    server = server_factory(database=postgres.url(name))
    with Api(server.address, server.token) as api:
        api.access.WhoAmI(access.WhoAmIRequest())
        postgres.drop(name)
        request = pb.ListModelsRequest(parent=api.parent())
        why = refused(api.metadata.ListModels, request)
        assert why == (StatusCode.UNAVAILABLE, "DATABASE_UNAVAILABLE", {})
        create = pb.CreateModelRequest(parent=api.parent(), model_id="m")
        assert refused(api.metadata.CreateModel, create).reason == "DATABASE_UNAVAILABLE"
    server.kill9()


def test_a_server_that_stops_says_so_to_new_calls_and_finishes_those_in_flight(
    server_factory: ServerFactory,
) -> None:
    server = server_factory("--grace", "60")
    release = threading.Event()

    def frames(parent: str) -> Iterator[artifact.PutChunksRequest]:
        yield artifact.PutChunksRequest(parent=parent, digest=sha256(b"ab"), size=2, data=b"a")
        release.wait(DEADLINE)
        yield artifact.PutChunksRequest(offset=1, data=b"b")

    with Api(server.address, server.token) as api:
        in_flight = api.artifact.PutChunks(frames(api.parent()))
        api.access.WhoAmI(access.WhoAmIRequest())
        server.process.signal(signal.SIGTERM)
        why = _until_refused(lambda: api.access.WhoAmI(access.WhoAmIRequest()))
        assert why == (StatusCode.UNAVAILABLE, "SHUTTING_DOWN", {})
        release.set()
        assert [answer.digest for answer in in_flight] == [sha256(b"ab")]
    assert server.process.wait() == 0


def _until_refused(call: Callable[[], object]) -> Refusal:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        try:
            call()
        except RpcError as error:
            return refusal(error)
    raise AssertionError("still answered")


def test_damaged_bytes_and_a_store_that_fails_are_told_apart(server: ServerProcess) -> None:
    content = b"the only file"
    with Api(server.address, server.token) as api:
        api.new_model("m")
        version = api.new_version("m", {"f": content})
        stored = server.data / "cas/sha256" / sha256(content)[7:9] / sha256(content)[7:]
        stored.chmod(0o600)
        stored.write_bytes(b"something els")
        move = promotion.RequestPromotionRequest(version=version.name, stage="production")
        why = refused(api.promotion.RequestPromotion, move)
        assert why[:2] == (StatusCode.DATA_LOSS, "BYTES_DAMAGED")
        assert why.facts == {"digest": version.digest}
        (server.data / "cas").rename(server.data / "moved")
        (server.data / "cas").write_text("in the way")
        data = b"new bytes"
        frame = artifact.PutChunksRequest(parent=api.parent(), digest=sha256(data), size=len(data), data=data)
        why = refused(api.artifact.PutChunks, iter([frame]))
        assert why == (StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE", {"store": "artifacts"})
        # The catalog needs no bytes.
        assert api.metadata.GetVersion(pb.GetVersionRequest(name=version.name)) == version


def test_a_promotion_service_without_its_peer_says_which_one_is_missing(
    server_factory: ServerFactory, migrated_postgres_database: str
) -> None:
    whole = server_factory(database=migrated_postgres_database, migrate=False)
    alone = server_factory(
        *("--service", "promotion", "--artifact-peer", "127.0.0.1:1"),
        database=migrated_postgres_database,
        migrate=False,
    )
    with Api(whole.address, whole.token) as api, Api(alone.address, whole.token) as lonely:
        api.new_model("m")
        version: catalog.Version = api.new_version("m")
        move = promotion.RequestPromotionRequest(version=version.name, stage="production")
        why = refused(lonely.promotion.RequestPromotion, move)
        assert why == (StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE", {"peer": "artifact"})
        stages = promotion.ListStagesRequest(parent=f"{api.parent()}/models/m")
        assert [stage.number for stage in lonely.promotion.ListStages(stages).stages] == [0, 0]
