"""A populated registry on each database, its checks in this process, and a server over it.

`registry`   a registry per database that nobody serves, left as it was by every test
`copied`     one on SQLite of the test's own
`served`     a server over one on SQLite of the test's own, and `audit` to ask it
`exposed`    a server per database over one of the test's own, and the way past it
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import muniment
import pytest
from click.testing import CliRunner, Result
from harness.population import populate, storage
from harness.server import ServerFactory, ServerProcess
from harness.tampering import Tampering, tampering_with
from muniment.cli.program import program
from muniment_core.db.database import Database
from muniment_server.blobs import open_stores
from muniment_server.fsck.difference import Difference
from muniment_server.fsck.run import Fsck
from muniment_server.signing import open_anchor


@dataclass(frozen=True)
class Registry:
    """A registry nobody serves.

    Attributes:
        data: its data directory.
        url: address of its PostgreSQL database; empty for SQLite.
        database: the database, opened.
        tampering: the way past it.
    """

    data: Path
    url: str
    database: Database
    tampering: Tampering

    def fsck(self, *, with_bytes: bool = False, read_bytes: bool = False) -> list[Difference]:
        """What the check finds."""
        stores = open_stores(storage(self.data)) if with_bytes or read_bytes else None
        check = Fsck(
            self.database,
            stores,
            anchor=open_anchor(storage(self.data)),
            read_bytes=read_bytes,
            progress=lambda _what, _count: None,
        )
        return [*check.tables(), *check.bytes()]


@pytest.fixture(scope="session")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with everything in it; copy it."""
    data = tmp_path_factory.mktemp("populated") / "data"
    populate(data, rounds=4)
    return data


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def registry(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, soak: bool
) -> Iterator[Registry]:
    """A registry per database: leave it as it was."""
    data, url = tmp_path_factory.mktemp("registry") / "data", ""
    with ExitStack() as stack:
        if request.param == "postgresql":
            template = request.getfixturevalue("_migrated_template")
            url = stack.enter_context(request.getfixturevalue("postgres").database(template=template))
        populate(data, url, rounds=6 if soak else 2)
        database = Database(url) if url else Database.embedded(data)
        stack.callback(database.close)
        yield Registry(data, url, database, stack.enter_context(tampering_with(data, url)))


@pytest.fixture
def copied(populated: Path, tmp_path: Path) -> Iterator[Registry]:
    """A registry on SQLite of this test's own."""
    data = tmp_path / "data"
    shutil.copytree(populated, data)
    database = Database.embedded(data)
    with tampering_with(data) as tampering:
        yield Registry(data, "", database, tampering)
    database.close()


@pytest.fixture
def served(server_factory: ServerFactory, populated: Path, tmp_path: Path) -> ServerProcess:
    """A server over a populated registry of this test's own."""
    data = tmp_path / "data"
    shutil.copytree(populated, data)
    return server_factory(data=data)


@pytest.fixture
def audit(served: ServerProcess) -> Callable[..., Result]:
    """Runs `muniment audit …` against the server, in this process."""
    connection = ("--target", served.address, "--token", served.token)
    return lambda *arguments: CliRunner().invoke(program, [*connection, "audit", *map(str, arguments)])


@dataclass(frozen=True)
class Exposed:
    """A served registry, and the way past its server."""

    server: ServerProcess
    tampering: Tampering

    def connect(self) -> muniment.Registry:
        """The admin's connection."""
        return muniment.connect(self.server.address, token=self.server.token)


@pytest.fixture(params=["sqlite", "postgresql"])
def exposed(
    request: pytest.FixtureRequest, server_factory: ServerFactory, populated: Path, tmp_path: Path
) -> Iterator[Exposed]:
    """On each database, a server over a populated registry of this test's own."""
    data, url = tmp_path / "data", ""
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = request.getfixturevalue("migrated_postgres_database")
            populate(data, url, rounds=4)
        else:
            shutil.copytree(populated, data)
        server = server_factory(data=data, database=url or None, migrate=False)
        yield Exposed(server, stack.enter_context(tampering_with(data, url)))


@pytest.fixture(scope="session")
def lines() -> Callable[[list[Difference]], str]:
    """Differences as they are printed."""
    return lambda differences: "\n".join(difference.line for difference in differences)
