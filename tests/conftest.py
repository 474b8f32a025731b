"""Fixtures for every folder of tests: a home, real processes, real servers.

`server`, `server_factory`   a running `muniment-server` and how to get more of them
`postgres_url`, `postgres_database`   a PostgreSQL; a fresh, empty database in it
`migrated_postgres_database`   the same with the schema, copied from one that was migrated once
`s3_server`, `s3_bucket`, `s3_factory`   an S3 server; a fresh bucket; a server the test may kill
`processes`   start, await and kill any other program
`soak`   True under `make soak`: the same tests with larger numbers
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from harness.home import environment_of
from harness.leftovers import end_leftovers
from harness.postgres import PostgresServer, running_postgres
from harness.processes import ProcessRunner
from harness.s3 import S3Server, start_s3
from harness.server import ServerFactory, ServerProcess, migrate_database
from hypothesis import HealthCheck, settings

RUNNERS = pytest.StashKey[list[ProcessRunner]]()

# Two cores shared with real servers make single examples slow now and then; that is no finding.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", settings.get_profile("tests"), derandomize=False, max_examples=5000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="larger numbers in tests marked soak")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts what runs in the background with Ctrl-C ignored, and so would every process of a test be.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile("soak" if config.getoption("--soak") else "tests")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows, with a failure, what the test's processes wrote to standard error."""
    report = yield
    if report.failed:
        for runner in item.stash.get(RUNNERS, []):
            report.sections.extend(runner.stderr_sections())
    return report


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """Whether this is `make soak`."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _session_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    base = tmp_path_factory.getbasetemp()
    with environment_of(base / "session-home"):
        yield
    if left := end_leftovers(base):
        pytest.fail("tests left processes behind, killed now:\n" + "\n".join(left))


@pytest.fixture(autouse=True)
def home(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """HOME of this test, with the XDG directories below it."""
    directory = tmp_path_factory.mktemp("home")
    with environment_of(directory):
        yield directory


@pytest.fixture
def processes(request: pytest.FixtureRequest, home: Path, tmp_path: Path) -> Iterator[ProcessRunner]:
    """Starts real processes; all are dead and reaped when the test is over."""
    runner = ProcessRunner(tmp_path / "processes")
    request.node.stash.setdefault(RUNNERS, []).append(runner)
    try:
        yield runner
    finally:
        runner.reap()


@pytest.fixture
def server_factory(processes: ProcessRunner, tmp_path: Path) -> ServerFactory:
    """Starts `muniment-server serve` with any arguments."""
    return ServerFactory(processes, tmp_path / "servers")


@pytest.fixture
def server(server_factory: ServerFactory) -> ServerProcess:
    """A running embedded `muniment-server` on fresh data."""
    return server_factory()


@pytest.fixture(scope="session")
def postgres(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL, one per test process."""
    with running_postgres(tmp_path_factory.getbasetemp().parent / "postgres.lock") as running:
        yield running


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """URL of the server's own `postgres` database; tests want `postgres_database`."""
    return postgres.url()


@pytest.fixture
def postgres_database(postgres: PostgresServer) -> Iterator[str]:
    """URL of a fresh, empty database, dropped after the test."""
    with postgres.database() as url:
        yield url


@pytest.fixture(scope="session")
def _migrated_template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    runner = ProcessRunner(tmp_path_factory.mktemp("migrate"))
    postgres.create("migrated")
    try:
        migrate_database(runner, postgres.url("migrated"))
    finally:
        runner.reap()
    return "migrated"


@pytest.fixture
def migrated_postgres_database(postgres: PostgresServer, _migrated_template: str) -> Iterator[str]:
    """URL of a fresh database with the schema, dropped after the test."""
    with postgres.database(template=_migrated_template) as url:
        yield url


@pytest.fixture(scope="session")
def s3_server(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 server, one per test process; leave it running."""
    runner = ProcessRunner(tmp_path_factory.mktemp("s3-process"))
    try:
        yield start_s3(runner, tmp_path_factory.mktemp("s3-root"))
    finally:
        runner.reap()


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> str:
    """Name of a fresh bucket in `s3_server`."""
    return s3_server.new_bucket()


@pytest.fixture
def s3_factory(processes: ProcessRunner, tmp_path: Path) -> Callable[..., S3Server]:
    """Starts S3 servers the test may kill: `s3_factory(root=…, listen=…)`."""

    def start(*, root: Path | None = None, listen: str = "127.0.0.1:0") -> S3Server:
        return start_s3(processes, root or tmp_path / "s3", listen=listen)

    return start
