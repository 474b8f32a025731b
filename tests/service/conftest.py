"""A running registry per database for all folders of service tests, and a project of its own for every test.

`registry`   a server on SQLite, then one on PostgreSQL; each starts once per test process
`admin`      the admin of the instance, in project `default`
`api`        the admin of the instance, in a fresh project

What tests make is told apart by project, so that they need no server of their own. A test that stops its
server, damages it or counts the entries of its ledger takes `server` or `server_factory` instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from harness.api import Api
from harness.processes import ProcessRunner
from harness.server import ServerProcess


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def registry(
    request: pytest.FixtureRequest, _session_home: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server that all tests of a database share: none may stop it or need an empty ledger."""
    directory = tmp_path_factory.mktemp("registry")
    with ExitStack() as stack:
        arguments: tuple[str, ...] = ()
        if request.param == "postgresql":
            template = request.getfixturevalue("_migrated_template")
            postgres = request.getfixturevalue("postgres")
            arguments = ("--database", stack.enter_context(postgres.database(template=template)))
        processes = ProcessRunner(directory)
        stack.callback(processes.reap)
        yield ServerProcess(processes, directory / "data", arguments=arguments)


@pytest.fixture(scope="session")
def admin(registry: ServerProcess) -> Iterator[Api]:
    """The admin of the instance, in project `default`."""
    with Api(registry.address, registry.token) as api:
        yield api


@pytest.fixture
def api(admin: Api) -> Iterator[Api]:
    """The admin of the instance, in a fresh project."""
    with Api(admin.address, admin.token, project=admin.new_project()) as api:
        yield api
