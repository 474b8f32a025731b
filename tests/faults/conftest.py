"""Fixtures of the fault tests: both databases, worker processes, and what must hold after every fault."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import muniment
import pytest
from click.testing import CliRunner
from grpc_health.v1 import health_pb2, health_pb2_grpc
from harness.api import Api
from harness.processes import DEADLINE, ProcessRunner, RunningProcess
from harness.server import ServerFactory, ServerProcess
from muniment.v1 import artifact_service_pb2, catalog_pb2, ledger_service_pb2, metadata_service_pb2
from muniment_server.cli import main

WORKERS = Path(__file__).with_name("workers")
LARGEST_PAGE = 1000

Entries = list[ledger_service_pb2.LedgerEntry]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """Address of a fresh database with the schema; None means SQLite in the data directory."""
    if request.param == "sqlite":
        return None
    return str(request.getfixturevalue("migrated_postgres_database"))


@pytest.fixture
def any_server(server_factory: ServerFactory, database: str | None) -> ServerProcess:
    """A running server with everything in it, over each database in turn."""
    return server_factory(database=database, migrate=False)


@pytest.fixture
def start_worker(processes: ProcessRunner) -> Callable[..., RunningProcess]:
    """Starts a script of `workers/` against a server: `start_worker("push_many", server, …)`."""

    def start(script: str, server: ServerProcess | Api, *arguments: object) -> RunningProcess:
        return processes.start(
            *(sys.executable, WORKERS / f"{script}.py", *map(str, arguments)),
            name=script,
            env={"MUNIMENT_TARGET": server.address, "MUNIMENT_TOKEN": str(server.token)},
        )

    return start


@pytest.fixture
def connect() -> Iterator[Callable[[ServerProcess], Api]]:
    """Connects to a server as its admin, through the generated stubs: a refusal is not repeated."""
    opened: list[Api] = []

    def api_of(server: ServerProcess) -> Api:
        opened.append(Api(server.address, server.token))
        return opened[-1]

    yield api_of
    for api in opened:
        api.close()


@pytest.fixture
def registry_of() -> Iterator[Callable[[Any], muniment.Registry]]:
    """Connects to a server with the SDK."""
    opened: list[muniment.Registry] = []

    def open_registry(server: ServerProcess | Api) -> muniment.Registry:
        opened.append(muniment.connect(server.address, token=server.token))
        return opened[-1]

    yield open_registry
    for registry in opened:
        registry.close()


@pytest.fixture(scope="session")
def until() -> Callable[..., None]:
    """Waits for a condition: `until(lambda: …, "what is waited for")`; it must come true before a deadline."""

    def wait(condition: Callable[[], object], what: str, *, deadline: float = DEADLINE) -> None:
        end = time.monotonic() + deadline
        while not condition():
            assert time.monotonic() < end, f"{what}: not within {deadline:g} s"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def read_journal() -> Callable[[Path], list[dict[str, Any]]]:
    """Reads what a worker noted; a line that is being written is left out."""

    def read(path: Path) -> list[dict[str, Any]]:
        if not path.exists():
            return []
        whole, _, _ = path.read_text().rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    return read


@pytest.fixture(scope="session")
def check_ledger() -> Callable[[Api], Entries]:
    """Proves that the ledger of a server is whole, by a Merkle tree of our own; returns its entries."""

    def check(api: Api) -> Entries:
        head = api.ledger.GetHead(ledger_service_pb2.GetHeadRequest(parent=api.parent()))
        entries = [entry for entry in _entries(api, "projects/-") if entry.revision <= head.size]
        assert [entry.revision for entry in entries] == list(range(1, head.size + 1))
        for entry in entries:
            assert entry.leaf_hash == hashlib.sha256(b"\x00" + entry.body).digest(), entry
            assert json.loads(entry.body)["revision"] == entry.revision
        assert _merkle_root([entry.leaf_hash for entry in entries]) == head.root_hash
        return entries

    return check


@pytest.fixture(scope="session")
def entries_of() -> Callable[[Api, str], Entries]:
    """All ledger entries of a project, `projects/-` for those of the instance too."""
    return _entries


@pytest.fixture(scope="session")
def list_versions() -> Callable[[Api, str], list[catalog_pb2.Version]]:
    """All versions of a model, from the first on."""

    def versions_of(api: Api, model: str) -> list[catalog_pb2.Version]:
        request = metadata_service_pb2.ListVersionsRequest(
            parent=f"{api.parent()}/models/{model}", page_size=LARGEST_PAGE, show_deleted=True
        )
        found: list[catalog_pb2.Version] = []
        while True:
            response = api.metadata.ListVersions(request)
            found += response.versions
            if not response.next_page_token:
                return found[::-1]
            request.page_token = response.next_page_token

    return versions_of


@pytest.fixture(scope="session")
def verify_version() -> Callable[[Api, catalog_pb2.Version], None]:
    """Has the server read every byte of a version and compare digests."""

    def verify(api: Api, version: catalog_pb2.Version) -> None:
        request = artifact_service_pb2.VerifyManifestRequest(parent=api.parent(), digest=version.digest)
        assert api.artifact.VerifyManifest(request).byte_count > 0

    return verify


@pytest.fixture
def check_storage() -> Callable[..., None]:
    """Stops a server and holds what must be so after every fault: `check_storage(server, *storage)`.

    Collection takes whatever no version needs and leaves nothing over, and then every byte of every version is
    there and right. Options say where database and bytes are, if they are not in the data directory.
    """

    def check(server: ServerProcess, *storage: str) -> None:
        if server.process.running:
            server.stop()
        where = ("--data", str(server.data), *storage)
        collected = _printed("gc", "--delete", "--grace", "0s", *where)[-1]
        assert collected["deleted"]
        left = _printed("gc", "--grace", "0s", *where)[-1]
        assert (left["blobs"], left["chunks"], left["manifests"]) == (0, 0, 0)
        assert _printed("fsck", "--bytes", *where)[-1]["differences"] == 0
        assert not list(server.data.glob("cas/incoming/*")), "nothing is half-written"

    return check


@pytest.fixture(scope="session")
def health_of() -> Callable[[str], str]:
    """What the health service says of the promotion service: the name of a status."""

    def ask(address: str) -> str:
        with grpc.insecure_channel(address) as channel:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service="muniment.v1.MetadataService"), timeout=DEADLINE
            )
        return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))

    return ask


@pytest.fixture
def write_model(tmp_path: Path) -> Callable[..., Path]:
    """Writes a directory of random files, each of one chunk: `write_model(seed, files, bytes_each)`."""

    def write(seed: int, files: int, bytes_each: int) -> Path:
        directory = tmp_path / f"model-{seed}"
        directory.mkdir()
        content = random.Random(seed)
        for number in range(files):
            (directory / f"part-{number:03d}.bin").write_bytes(content.randbytes(bytes_each))
        return directory

    return write


@pytest.fixture
def refused(processes: ProcessRunner) -> Callable[..., str]:
    """Starts `muniment-server serve` where it must not start; returns the sentence it says."""

    def start(*arguments: object) -> str:
        process = processes.start(
            *(sys.executable, "-m", "muniment_server", "serve", *map(str, arguments)), name="refused-server"
        )
        assert process.wait() in (1, 2), process.stderr
        assert process.lines == []
        assert "Traceback" not in process.stderr
        return process.stderr.strip()

    return start


def _printed(command: str, *arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(main, [command, "--json", *arguments])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def _entries(api: Api, parent: str) -> Entries:
    request = ledger_service_pb2.ListEntriesRequest(parent=parent, page_size=LARGEST_PAGE)
    found: Entries = []
    while True:
        response = api.ledger.ListEntries(request)
        found += response.entries
        if not response.next_page_token:
            return found
        request.page_token = response.next_page_token


def _merkle_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = _merkle_root(leaves[:split]), _merkle_root(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()
