"""Collection over a real S3 server: what nothing needs goes, also after `kill -9`, and nothing else does."""

from __future__ import annotations

import hashlib
import json
import random
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import muniment
import pytest
from click.testing import CliRunner
from harness.api import Api
from harness.faulty_s3 import Fault, FaultyS3
from harness.processes import DEADLINE, ProcessRunner
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from muniment_server.cli import main

AT_ONCE = ("--grace", "0s")
FILES = 12
FILE_BYTES = 20_000
SEED = 5


class World(NamedTuple):
    """A registry whose bytes are in a bucket, and what is archived perhaps in another."""

    server: ServerProcess
    s3: S3Server
    bucket: str
    cold: str = ""

    def objects(self, bucket: str = "") -> set[str]:
        """The names of all blobs in a bucket, past the registry."""
        return {path.name for path in (self.s3.root / (bucket or self.bucket)).glob("**/cas/sha256/*/*")}

    def storage(self, *, endpoint: str = "") -> tuple[str, ...]:
        """Where database and bytes are, for commands."""
        cold = ("--cold-s3-bucket", self.cold) if self.cold else ()
        return ("--data", str(self.server.data), *self.s3.options(self.bucket, endpoint=endpoint), *cold)

    def run(self, command: str, *arguments: str) -> dict[str, Any]:
        """Runs a command of `muniment-server` on the stopped registry; the last line it printed."""
        done = CliRunner().invoke(main, [command, "--json", *arguments, *self.storage()])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def check(self) -> None:
        """Every byte of every version is there and right."""
        assert self.run("fsck", "--bytes")["differences"] == 0


@pytest.fixture
def world(server_factory: ServerFactory, s3_server: S3Server, s3_bucket: str) -> World:
    return World(server_factory(*s3_server.options(s3_bucket)), s3_server, s3_bucket)


@pytest.fixture
def kill_collector(
    world: World, processes: ProcessRunner, until: Callable[..., None]
) -> Callable[[str, int, Fault], None]:
    """Collects, and kills that when so many requests of a kind were made; what becomes of the last is told.

    `kill_collector("DELETE", 3, Fault.LOST)`: afterwards three blobs were removed and two removals answered.
    """

    def kill(method: str, count: int, fault: Fault) -> None:
        reached = threading.Event()
        counting = threading.Lock()
        made = 0
        removed: set[Path] = set()

        def choose(asked: str, path: str) -> Fault | None:
            nonlocal made
            # Not those by which a store is tried out before anything else.
            if asked != method or "cas" not in path:
                return None
            with counting:
                made += 1
                # Nothing more is done until it is dead, and it is killed when the next request is on its way.
                if made > count or (made == count and fault is Fault.HANG):
                    reached.set()
                    return Fault.HANG
                if method == "DELETE":
                    removed.add(world.s3.root / path.lstrip("/"))
                return fault if made == count else None

        with FaultyS3(world.s3.endpoint) as faulty:
            faulty.choose = choose
            collector = processes.start(
                *(sys.executable, "-m", "muniment_server", "gc", "--delete", *AT_ONCE),
                *world.storage(endpoint=faulty.endpoint),
                name="gc",
            )
            assert reached.wait(DEADLINE), collector.stderr
            assert collector.running, collector.stderr
            collector.kill9()
            until(lambda: not any(map(Path.exists, removed)), "what was asked for is done")

    return kill


def test_collection_takes_from_s3_what_nothing_needs_and_nothing_else(
    world: World,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    connect: Callable[[ServerProcess], Api],
    tmp_path: Path,
) -> None:
    registry = registry_of(world.server)
    models = {name: _model(tmp_path / name, own=name, files=3) for name in ("kept", "other", "gone")}
    versions = {name: registry.push("churn", directory) for name, directory in models.items()}
    registry.delete_version(versions["gone"])
    never = {f"{number}.bin": random.Random(number).randbytes(FILE_BYTES) for number in range(2)}
    connect(world.server).commit(never)
    world.server.stop()
    stored = world.objects()

    assert world.run("gc", "--delete", "--grace", "1h")["blobs"] == 0
    foreseen = world.run("gc", *AT_ONCE)
    assert world.objects() == stored
    done = world.run("gc", "--delete", *AT_ONCE)
    left = world.objects()
    counts = ("manifests", "chunks", "blobs", "bytes")
    assert [done[name] for name in counts] == [foreseen[name] for name in counts]
    assert (done["manifests"], done["blobs"]) == (2, len(stored - left))
    expendable = _digests(models["gone"]) - _digests(models["kept"]) | {
        hashlib.sha256(data).hexdigest() for data in never.values()
    }
    assert expendable <= stored - left
    assert _digests(models["kept"]) | _digests(models["other"]) <= left
    assert world.run("gc", *AT_ONCE)["blobs"] == 0
    world.check()

    world.server.restart()
    for name in ("kept", "other"):
        assert _contents(registry.pull(versions[name], tmp_path / f"{name}-pulled")) == _contents(
            models[name]
        )
    again = registry.push("churn", models["gone"])
    assert _contents(registry.pull(again, tmp_path / "again")) == _contents(models["gone"])


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_collector_of_s3_that_is_killed_in_its_middle_leaves_everything_well(
    world: World,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    kill_collector: Callable[[str, int, Fault], None],
    tmp_path: Path,
    soak: bool,
) -> None:
    registry = registry_of(world.server)
    moments = random.Random(SEED)
    kept: dict[str, Path] = {}
    for attempt in range(10 if soak else 1):
        wanted = _model(tmp_path / f"wanted-{attempt}", own=f"wanted-{attempt}", files=FILES)
        gone = _model(tmp_path / f"gone-{attempt}", own=f"gone-{attempt}", files=FILES)
        kept[f"churn@{registry.push('churn', wanted).number}"] = wanted
        registry.delete_version(registry.push("churn", gone))
        world.server.stop()
        orphans = _digests(gone) - _digests(wanted)
        kills = [
            ("DELETE", moments.randrange(2, FILES // 2), Fault.LOST),
            ("DELETE", moments.randrange(1, FILES // 3), Fault.HANG),
        ]
        if soak:
            # In the middle of the listing, and before anything is removed.
            kills = [("GET", 1, Fault.HANG), ("DELETE", 1, Fault.HANG), *kills]
        stored = world.objects()
        for method, count, fault in kills:
            kill_collector(method, count, fault)
        assert world.objects() < stored
        assert world.objects() & orphans
        world.check()
        world.server.restart()
        # These blobs are on their way out, or gone: whoever needs them again gets them whole.
        kept[f"churn@{registry.push('churn', gone).number}"] = gone
        for selector, directory in kept.items():
            assert _contents(registry.pull(selector, tmp_path / "pulled", overwrite=True)) == _contents(
                directory
            )

    world.server.stop()
    world.run("gc", "--delete", *AT_ONCE)
    assert world.run("gc", *AT_ONCE)["blobs"] == 0
    for directory in kept.values():
        assert _digests(directory) <= world.objects()
    world.check()


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_a_collector_that_is_killed_while_it_moves_archived_versions_loses_nothing_of_them(
    world: World,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    kill_collector: Callable[[str, int, Fault], None],
    tmp_path: Path,
    soak: bool,
) -> None:
    registry = registry_of(world.server)
    moments = random.Random(SEED)
    for attempt in range(10 if soak else 1):
        names = {name: f"{name}-{attempt}" for name in ("a", "b")}  # cold storage keeps what was restored
        models = {name: _model(tmp_path / own, own=own, files=FILES) for name, own in names.items()}
        versions = {name: registry.push("churn", directory) for name, directory in models.items()}
        registry.archive(versions["a"])
        world.server.stop()
        # While chunks are copied, and when they are removed from where they were.
        for method, fault in (("PUT", Fault.HANG), ("PUT", Fault.LOST), ("DELETE", Fault.LOST)):
            kill_collector(method, moments.randrange(2, FILES // 2), fault)
            world.check()
        if attempt % 2:
            assert world.run("gc", "--delete", *AT_ONCE)["archived_manifests"] == 0
            world.check()
        world.server.restart()
        registry.restore(versions["a"])
        for name, directory in models.items():
            pulled = registry.pull(versions[name], tmp_path / f"{name}-{attempt}-pulled")
            assert _contents(pulled) == _contents(directory)
            registry.delete_version(versions[name])
    world.server.stop()
    world.run("gc", "--delete", *AT_ONCE)
    assert world.objects() == set()
    world.check()


def test_what_is_archived_goes_to_a_bucket_of_its_own_and_comes_back_from_there(
    server_factory: ServerFactory,
    s3_server: S3Server,
    s3_bucket: str,
    registry_of: Callable[[ServerProcess], muniment.Registry],
    check_storage: Callable[..., None],
    tmp_path: Path,
) -> None:
    cold = s3_server.new_bucket()
    server = server_factory(*s3_server.options(s3_bucket), "--cold-s3-bucket", cold)
    world = World(server, s3_server, s3_bucket, cold)
    registry = registry_of(server)
    models = {name: _model(tmp_path / name, own=name, files=FILES) for name in ("kept", "old")}
    versions = {name: registry.push("churn", directory) for name, directory in models.items()}
    own = _digests(models["old"]) - _digests(models["kept"])
    registry.archive(versions["old"])
    server.stop()
    assert world.run("gc", "--delete", *AT_ONCE)["archived_manifests"] == 1
    world.run("gc", "--delete", *AT_ONCE)
    assert world.objects(cold) == _digests(models["old"])
    assert not world.objects() & own
    world.check()

    server.restart()
    with pytest.raises(muniment.errors.BytesArchived):
        registry.pull(versions["old"], tmp_path / "refused")
    # It is read from that bucket and no other.
    moved = {path.name: path for path in (s3_server.root / cold).glob("**/cas/sha256/*/*")}[own.pop()]
    away = moved.rename(tmp_path / "away")
    with pytest.raises(muniment.errors.BytesDamaged):
        registry.restore(versions["old"])
    away.rename(moved)
    registry.restore(versions["old"])
    for name, directory in models.items():
        assert _contents(registry.pull(versions[name], tmp_path / f"{name}-pulled")) == _contents(directory)
    check_storage(server, *s3_server.options(s3_bucket), "--cold-s3-bucket", cold)
    assert world.objects(cold) <= _digests(models["old"])


def _model(directory: Path, *, own: str, files: int) -> Path:
    """Files of one chunk each, one of which all models have."""
    directory.mkdir()
    content = random.Random(own)
    (directory / "shared.bin").write_bytes(random.Random(SEED).randbytes(FILE_BYTES))
    for number in range(files):
        (directory / f"{number}.bin").write_bytes(content.randbytes(FILE_BYTES))
    return directory


def _digests(directory: Path) -> set[str]:
    return {hashlib.sha256(data).hexdigest() for data in _contents(directory).values()}


def _contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}
