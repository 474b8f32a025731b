"""A registry on a real server, something to push, and a server that lies."""

from __future__ import annotations

import errno
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import muniment
import pytest
from harness.processes import ProcessRunner
from harness.server import ServerFactory, ServerProcess
from muniment.digests import Digest
from muniment.v1 import artifact_service_pb2 as pb
from muniment.v1 import artifact_service_pb2_grpc, catalog_pb2, metadata_service_pb2_grpc


@pytest.fixture(scope="session")
def shared_server(_session_home: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests of this folder that need none of their own: none may stop it."""
    directory = tmp_path_factory.mktemp("shared-server")
    runner = ProcessRunner(directory / "processes")
    try:
        yield ServerFactory(runner, directory)()
    finally:
        runner.reap()


@pytest.fixture
def project(request: pytest.FixtureRequest) -> str:
    """The project of `registry`: one that no other test has used."""
    if "server" in request.fixturenames:
        return "default"
    shared: ServerProcess = request.getfixturevalue("shared_server")
    name = f"p-{uuid.uuid4().hex[:12]}"
    with muniment.connect(shared.address, token=shared.token) as admin:
        admin.create_project(name)
    return name


@pytest.fixture
def registry(request: pytest.FixtureRequest, project: str) -> Iterator[muniment.Registry]:
    """An admin's connection to an empty project of the shared server.

    A test that also asks for `server` means to kill it: then the connection is to that one.
    """
    own = "server" in request.fixturenames
    server: ServerProcess = request.getfixturevalue("server" if own else "shared_server")
    with muniment.connect(server.address, token=server.token, project=project) as connected:
        yield connected


@pytest.fixture(scope="session")
def public_key() -> Callable[[ServerProcess], str]:
    """The public key of a server's ledger, as it said when it began to sign."""

    def key(server: ServerProcess) -> str:
        return server.process.wait_for_stderr(r"its key is (\S+)").group(1)

    return key


@pytest.fixture
def model_dir(tmp_path: Path) -> Path:
    """A directory with files of several sizes, an empty one among them."""
    directory = tmp_path / "model"
    (directory / "weights/inner").mkdir(parents=True)
    (directory / "config.json").write_text('{"layers": 3}')
    (directory / "empty").write_bytes(b"")
    (directory / "weights/inner/w.bin").write_bytes(bytes(range(256)) * 100)
    (directory / "weights/größe.bin").write_bytes(b"\x01" * 3_000_000)
    return directory


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """The files below a directory by path."""

    def read(directory: Path) -> dict[str, bytes]:
        return {
            path.relative_to(directory).as_posix(): path.read_bytes()
            for path in directory.rglob("*")
            if path.is_file()
        }

    return read


@pytest.fixture
def forbid(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], None]:
    """Has the system refuse a call about a path, as it refuses everybody but the user who runs most tests."""

    def refuse(call: str, path: Path) -> None:
        allowed = getattr(os, call)

        def asked(about: object, *arguments: object, **options: object) -> object:
            if isinstance(about, str | Path) and Path(about) == path:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return allowed(about, *arguments, **options)

        monkeypatch.setattr(os, call, asked)

    return refuse


@dataclass
class LyingServer(
    artifact_service_pb2_grpc.ArtifactServiceServicer, metadata_service_pb2_grpc.MetadataServiceServicer
):
    """Serves one manifest, and whatever bytes a test gives it."""

    address: str = ""
    layers: list[dict[str, Any]] = field(default_factory=list)
    data: dict[str, bytes] = field(default_factory=dict)
    body: bytes | None = None
    listed: list[pb.FileEntry] | None = None
    frames: Sequence[pb.ReadRangesResponse] | None = None
    asked_for_addresses: int = 0
    asked_for_ranges: int = 0
    frame_bytes: int = 64 * 1024 * 1024
    pause_seconds: float = 0.0

    def add(self, path: str, data: bytes, *, digest: str | None = None) -> None:
        layer = {"digest": digest or Digest.of(data).text, "size": len(data)}
        self.layers.append({**layer, "annotations": {"org.cncf.model.filepath": path}})
        self.data[path] = data

    @property
    def manifest_body(self) -> bytes:
        if self.body is not None:
            return self.body
        document = {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "artifactType": "application/vnd.cncf.model.manifest.v1+json",
            "layers": self.layers,
        }
        return json.dumps(document).encode()

    @property
    def version(self) -> muniment.Version:
        return muniment.Version.of(self._version)

    @property
    def _version(self) -> catalog_pb2.Version:
        return catalog_pb2.Version(
            name="projects/default/models/churn/versions/1",
            number=1,
            digest=Digest.of(self.manifest_body).text,
            state=catalog_pb2.VERSION_STATE_READY,
        )

    def ResolveVersion(self, request: object, context: grpc.ServicerContext) -> catalog_pb2.Version:
        return self._version

    def GetManifest(self, request: pb.GetManifestRequest, context: grpc.ServicerContext) -> pb.Manifest:
        files = self.listed
        if files is None:
            files = [
                pb.FileEntry(
                    path=layer["annotations"]["org.cncf.model.filepath"],
                    digest=layer["digest"],
                    size=layer["size"],
                )
                for layer in self.layers
            ]
        return pb.Manifest(digest=request.digest, body=self.manifest_body, files=files)

    def GetDirectReads(
        self, request: pb.GetDirectReadsRequest, context: grpc.ServicerContext
    ) -> pb.GetDirectReadsResponse:
        self.asked_for_addresses += 1
        return pb.GetDirectReadsResponse()

    def ReadRanges(
        self, request: pb.ReadRangesRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.ReadRangesResponse]:
        self.asked_for_ranges += 1
        if self.frames is not None:
            yield from self.frames
            return
        for index, wanted in enumerate(request.ranges):
            end = wanted.offset + wanted.length
            for offset in range(wanted.offset, end, self.frame_bytes):
                data = self.data[wanted.path][offset : min(end, offset + self.frame_bytes)]
                yield pb.ReadRangesResponse(range_index=index, offset=offset, data=data)
                time.sleep(self.pause_seconds)


@pytest.fixture
def liar() -> Iterator[LyingServer]:
    """A server that says what a test wants; its address is `liar.address`."""
    servicer = LyingServer()
    server = grpc.server(ThreadPoolExecutor(2), options=(("grpc.so_reuseport", 0),))
    artifact_service_pb2_grpc.add_ArtifactServiceServicer_to_server(servicer, server)
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    servicer.address = f"127.0.0.1:{port}"
    yield servicer
    server.stop(grace=None).wait()


@pytest.fixture
def lied_to(liar: LyingServer) -> Iterator[muniment.Registry]:
    """A connection to the lying server."""
    with muniment.connect(liar.address, token="mun_x") as connected:
        yield connected
