"""`muniment-server token create`: with the registry stopped, and beside a server that runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from grpc import StatusCode
from harness.api import Api, refused
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import metadata_service_pb2 as pb
from muniment_server.cli import main
from muniment_server.data_directory import DataDirectory

LONGEST = "p" * 128


def create(data: Path, *arguments: str) -> Result:
    """Runs the command in this process, where starting one takes longer than all of it."""
    return CliRunner().invoke(main, ["token", "create", "--data", str(data), *arguments])


def secret(data: Path, *arguments: str) -> str:
    done = create(data, *arguments)
    assert done.exit_code == 0, (done.output, done.exception)
    (line,) = done.stdout.splitlines()
    return line


def sentence(data: Path, *arguments: str) -> str:
    """What is said when no token is made."""
    done = create(data, *arguments)
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit), "a sentence, and nothing that escaped"
    assert done.stdout == ""
    return done.stderr


@pytest.fixture
def connect() -> Iterator[Callable[..., Api]]:
    """Connects to a server with a token."""
    opened: list[Api] = []

    def connected(server: ServerProcess, token: str, project: str = "default") -> Api:
        opened.append(Api(server.address, token, project=project))
        return opened[-1]

    yield connected
    for api in opened:
        api.close()


def is_a_writer_of_risk(api: Api) -> None:
    """The token has its role in its project, and nothing beyond: no other role, no other project."""
    assert api.project == "risk"
    identity = api.access.WhoAmI(access.WhoAmIRequest())
    (grant,) = identity.grants
    assert (identity.principal, grant.project, grant.role) == (
        "risk-writer",
        "projects/risk",
        access.ROLE_WRITER,
    )
    assert api.new_model("churn") == "projects/risk/models/churn"
    more = access.CreateTokenRequest(parent="projects/risk", principal="more", roles=["ROLE_READER"])
    assert refused(api.access.CreateToken, more).code == StatusCode.PERMISSION_DENIED
    for parent in ("projects/default", "projects/nosuch"):
        create_model = pb.CreateModelRequest(parent=parent, model_id="churn")
        assert refused(api.metadata.CreateModel, create_model).code == StatusCode.NOT_FOUND


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_the_secret_that_is_printed_is_good_for_its_role_in_its_project_alone(
    server: ServerProcess, connect: Callable[..., Api], running: bool
) -> None:
    connect(server, server.token).new_project("risk")
    if not running:
        server.stop()
    made = secret(server.data, "--role", "writer", "--project", "risk")
    if not running:
        server.restart()
    is_a_writer_of_risk(connect(server, made, "risk"))


def test_on_postgresql_a_token_is_made_beside_the_server(
    server_factory: ServerFactory, migrated_postgres_database: str, connect: Callable[..., Api]
) -> None:
    server = server_factory(database=migrated_postgres_database, migrate=False)
    connect(server, server.token).new_project("risk")
    database = ("--database", migrated_postgres_database)
    made = secret(server.data, *database, "--role", "writer", "--project", "risk")
    is_a_writer_of_risk(connect(server, made, "risk"))


def test_roles_on_the_instance_hold_in_every_project(
    server: ServerProcess, connect: Callable[..., Api]
) -> None:
    connect(server, server.token).new_project("risk")
    made = secret(server.data, "--role", "writer", "--project", "-", "--principal", "training")
    for project in ("default", "risk"):
        assert connect(server, made, project).new_model("churn")


@pytest.mark.parametrize("running", [False, True], ids=["stopped", "running"])
def test_a_project_that_does_not_exist_is_named_in_a_sentence(server: ServerProcess, running: bool) -> None:
    if not running:
        server.stop()
    said = sentence(server.data, "--role", "writer", "--project", "nosuch")
    assert said.startswith("Error: project 'nosuch' does not exist")


def test_beside_a_process_that_does_not_serve_yet_it_says_to_try_again(tmp_path: Path) -> None:
    other = DataDirectory(tmp_path)
    other.lock()
    try:
        assert f"the server of {tmp_path} is starting or stopping: try again" in sentence(
            tmp_path, "--role", "reader"
        )
    finally:
        other.unlock()


def test_a_name_that_cannot_be_is_the_one_that_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for project in ("../x", "", LONGEST + "p"):
        assert f"project {project!r} is not valid" in sentence(data, "--role", "writer", "--project", project)
    assert "principal 'a b' is not valid" in sentence(data, "--role", "writer", "--principal", "a b")
    assert not data.exists(), "nothing was made for a token that was not"


def test_who_bears_a_token_is_called_after_a_project_of_any_length(
    server: ServerProcess, connect: Callable[..., Api]
) -> None:
    connect(server, server.token).new_project(LONGEST)
    done = create(server.data, "--role", "writer", "--role", "reader", "--project", LONGEST, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["principal"] == "p" * 121 + "-writer"
    assert (told["project"], told["roles"]) == (LONGEST, ["reader", "writer"])
    identity = connect(server, told["secret"]).access.WhoAmI(access.WhoAmIRequest())
    assert identity.principal == told["principal"]
