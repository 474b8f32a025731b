"""An S3 service that answers 503, resets connections, hangs and breaks answers off, under a real server."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import grpc
import muniment
import pytest
from harness.api import Api, refusal, refused_status
from harness.faulty_s3 import Choose, Fault, FaultyS3, script
from harness.processes import DEADLINE
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from muniment import errors
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1.catalog_pb2 import Version
from muniment.v1.metadata_service_pb2 import CreateVersionRequest, ListVersionsRequest
from muniment_core.rpc.execution import IO_THREADS

FILES = {"config.json": 300, "vocabulary.txt": 60_000, "weights.bin": 6_000_000, "head.bin": 1_500_000}
CALLS_AT_ONCE = 40
SHARES = {
    Fault.BUSY: 0.06,
    Fault.RESET: 0.04,
    Fault.LOST: 0.03,
    Fault.SHORT: 0.04,
    Fault.DELAY: 0.06,
    Fault.HANG: 0.01,
    Fault.STUCK: 0.01,
}


class World(NamedTuple):
    """A server whose bytes are behind the proxy."""

    server: ServerProcess
    faulty: FaultyS3


@pytest.fixture
def new_world(
    s3_server: S3Server,
    s3_bucket: str,
    server_factory: ServerFactory,
    check_storage: Callable[..., None],
) -> Iterator[Callable[[float], World]]:
    """Starts the server, told how patient it is to be with S3; at the end the registry must be whole."""
    with FaultyS3(s3_server.endpoint) as faulty:
        made: list[World] = []

        def start(deadline: float) -> World:
            options = s3_server.options(s3_bucket, endpoint=faulty.endpoint)
            server = server_factory(*options, "--s3-deadline", str(deadline))

            made.append(World(server, faulty))
            return made[0]

        yield start
        faulty.choose = script([])
        for world in made:
            # Past the proxy.
            check_storage(world.server, *s3_server.options(s3_bucket))


def _now_and_then(seed: int) -> Choose:
    numbers = random.Random(seed)
    lock = threading.Lock()

    def choose(_method: str, _path: str) -> Fault | None:
        with lock:
            drawn = numbers.random()
        for fault, share in SHARES.items():
            drawn -= share
            if drawn < 0:
                return fault
        return None

    return choose


def _write(directory: Path, seed: int) -> Path:
    content = random.Random(seed)
    directory.mkdir(parents=True)
    for name, size in FILES.items():
        (directory / name).write_bytes(content.randbytes(size))
    return directory


@pytest.mark.soak
def test_pushes_and_pulls_outlive_an_s3_service_that_fails_now_and_then(
    new_world: Callable[[float], World],
    registry_of: Callable[[ServerProcess], muniment.Registry],
    tmp_path: Path,
    soak: bool,
) -> None:
    world = new_world(10.0)
    registry = registry_of(world.server)
    world.faulty.choose = _now_and_then(4)
    acknowledged: dict[int, Path] = {}
    for number in range(100 if soak else 8):
        if len(acknowledged) == 2 and not soak:
            break
        directory = _write(tmp_path / f"model-{number}", number)
        try:
            acknowledged[registry.push("m", directory).number] = directory
        except (errors.Unavailable, errors.DeadlineExceeded):
            continue
    assert world.faulty.faults > len(SHARES)
    assert acknowledged
    for number, directory in acknowledged.items():
        world.faulty.choose = _now_and_then(number)
        into = tmp_path / "pulled"
        try:
            registry.pull(f"m@{number}", into)
        except (errors.Unavailable, errors.DeadlineExceeded):
            world.faulty.choose = script([])
            registry.pull(f"m@{number}", into)
        assert {path.name: path.read_bytes() for path in into.iterdir()} == {
            path.name: path.read_bytes() for path in directory.iterdir()
        }
        shutil.rmtree(into)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.HANG])
def test_while_s3_is_gone_every_call_is_refused_as_unavailable_and_afterwards_goes_on(
    new_world: Callable[[float], World], connect: Callable[[ServerProcess], Api], fault: Fault
) -> None:
    world = new_world(8.0)
    api = connect(world.server)
    data = random.Random(1).randbytes(2_000_000)
    digest = api.commit({"weights.bin": data})
    manifest = {"parent": api.parent(), "digest": digest}
    everything = pb.ReadRangesRequest(**manifest, ranges=[pb.ByteRange(path="weights.bin")])
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: api.commit({"weights.bin": data + b"more"}),
        "commit": lambda: api.commit({"empty": b""}),
        "manifest": lambda: api.artifact.GetManifest(pb.GetManifestRequest(**manifest)),
        "read": lambda: list(api.artifact.ReadRanges(everything)),
        "verify": lambda: api.artifact.VerifyManifest(pb.VerifyManifestRequest(**manifest)),
    }
    world.faulty.choose = lambda _method, _path: fault
    with ThreadPoolExecutor(len(calls)) as pool:
        for name, told in zip(calls, pool.map(_refused, calls.values()), strict=True):
            assert refusal(told)[:2] == (grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE"), name
            assert any("RetryInfo" in detail.type_url for detail in refused_status(told).details), name
    world.faulty.choose = script([])
    for call in calls.values():
        call()
    assert b"".join(frame.data for frame in api.artifact.ReadRanges(everything)) == data


def test_many_calls_at_an_s3_service_that_hangs_are_all_refused_and_others_are_answered_meanwhile(
    new_world: Callable[[float], World], connect: Callable[[ServerProcess], Api], until: Callable[..., None]
) -> None:
    world = new_world(5.0)
    api = connect(world.server)
    data = random.Random(1).randbytes(2_000_000)
    digest = api.commit({"weights.bin": data})
    model = api.new_model("churn")
    manifest = {"parent": api.parent(), "digest": digest}
    everything = pb.ReadRangesRequest(**manifest, ranges=[pb.ByteRange(path="weights.bin")])
    calls: list[Callable[[int], object]] = [
        lambda number: api.commit({"weights.bin": data + bytes([number])}),
        lambda _: api.artifact.GetManifest(pb.GetManifestRequest(**manifest), timeout=DEADLINE),
        lambda _: list(api.artifact.ReadRanges(everything, timeout=DEADLINE)),
        lambda _: api.artifact.VerifyManifest(pb.VerifyManifestRequest(**manifest), timeout=DEADLINE),
    ]
    world.faulty.choose = lambda _method, _path: Fault.HANG
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        refused = [
            pool.submit(_refused, partial(calls[number % len(calls)], number))
            for number in range(CALLS_AT_ONCE)
        ]
        until(lambda: world.faulty.faults >= IO_THREADS, "every thread waits for S3")
        for _ in range(5):
            api.metadata.CreateVersion(
                CreateVersionRequest(parent=model, version=Version(digest=digest)), timeout=DEADLINE
            )
            api.metadata.ListVersions(ListVersionsRequest(parent=model), timeout=DEADLINE)
            api.artifact.PlanUpload(pb.PlanUploadRequest(parent=api.parent()), timeout=DEADLINE)
        assert not any(call.done() for call in refused), "all of that was answered meanwhile"
        told = {refusal(call.result())[:2] for call in refused}
    assert told == {(grpc.StatusCode.UNAVAILABLE, "STORAGE_UNAVAILABLE")}
    world.faulty.choose = script([])
    assert b"".join(frame.data for frame in api.artifact.ReadRanges(everything)) == data


def _refused(call: Callable[[], object]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value
