"""Neither end holds a file in memory, however large it is and however many read it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from harness.api import Api
from harness.processes import RunningProcess
from harness.s3 import S3Server
from harness.server import ServerFactory, ServerProcess
from muniment.frames import decode_range
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import metadata_service_pb2

MIB = 1024 * 1024
READERS = 32

pytestmark = [pytest.mark.soak, pytest.mark.timeout(7200)]


@pytest.fixture(params=["disk", "s3"])
def storing_server(request: pytest.FixtureRequest, server_factory: ServerFactory) -> Iterator[ServerProcess]:
    """A server that keeps bytes on its disk, and one that keeps them in a bucket."""
    if request.param == "disk":
        yield server_factory()
        return
    s3: S3Server = request.getfixturevalue("s3_server")
    bucket: str = request.getfixturevalue("s3_bucket")
    yield server_factory(*s3.options(bucket))
    shutil.rmtree(s3.root / bucket)


@pytest.fixture
def large_file(tmp_path: Path, soak: bool) -> Iterator[Path]:
    """A file that is larger than either end may become. No two megabytes of it are alike."""
    path = tmp_path / "large" / "model.bin"
    path.parent.mkdir()
    with Path("/dev/urandom").open("rb", buffering=0) as random, path.open("wb") as file:
        for _ in range(8 * 1024 if soak else 384):
            file.write(random.read(MIB))
    yield path
    shutil.rmtree(tmp_path, ignore_errors=True)


def test_one_large_file_is_pushed_and_pulled_in_little_memory(
    storing_server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    large_file: Path,
    tmp_path: Path,
    soak: bool,
) -> None:
    server, limit = storing_server, (512 if soak else 384) * MIB
    size = large_file.stat().st_size
    assert size >= limit
    pushed = start_worker("move_one", server, "push", "large", large_file)
    assert pushed.wait(deadline=3600) == 0, pushed.stderr
    large_file.unlink()
    pulled = start_worker("move_one", server, "pull", "large", tmp_path / "out")
    assert pulled.wait(deadline=3600) == 0, pulled.stderr
    assert (tmp_path / "out" / "model.bin").stat().st_size == size
    most = {
        "client that pushes": int(pushed.wait_for_line(r"^most (\d+)$")[1]),
        "client that pulls": int(pulled.wait_for_line(r"^most (\d+)$")[1]),
        "server": _most_resident(server.pid),
    }
    print({name: f"{value / MIB:.0f} MiB" for name, value in most.items()})
    assert max(most.values()) < limit, most


def test_many_readers_at_once_leave_the_server_small(
    storing_server: ServerProcess,
    start_worker: Callable[..., RunningProcess],
    connect: Callable[[ServerProcess], Api],
    tmp_path: Path,
    soak: bool,
) -> None:
    server, size = storing_server, (1024 if soak else 16) * MIB
    path = tmp_path / "model.bin"
    with Path("/dev/urandom").open("rb", buffering=0) as random, path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(random.read(MIB))
    pushed = start_worker("move_one", server, "push", "read", path)
    assert pushed.wait(deadline=600) == 0, pushed.stderr
    api = connect(server)
    version = api.metadata.ResolveVersion(
        metadata_service_pb2.ResolveVersionRequest(model=f"{api.parent()}/models/read", selector="latest")
    )
    request = pb.ReadRangesRequest(
        parent=api.parent(), digest=version.digest, ranges=[pb.ByteRange(path="model.bin")]
    )

    def read(_number: int) -> int:
        # Each on a connection of its own, as clients in different places are.
        options = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.insecure_channel(server.address, options=options) as channel:
            method = channel.unary_stream(
                "/muniment.v1.ArtifactService/ReadRanges",
                request_serializer=pb.ReadRangesRequest.SerializeToString,
                response_deserializer=decode_range,
            )
            frames = method(request, metadata=(("authorization", f"Bearer {server.token}"),))
            return sum(len(frame.data) for frame in frames)

    with ThreadPoolExecutor(READERS) as pool:
        assert list(pool.map(read, range(READERS))) == [size] * READERS
    most = _most_resident(server.pid)
    print(f"server {most / MIB:.0f} MiB")
    assert most < 700 * MIB


def _most_resident(pid: int) -> int:
    """The most memory a process ever had resident, in bytes."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
