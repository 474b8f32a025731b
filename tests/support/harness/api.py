"""A synchronous client over the generated stubs, for tests of what a server answers.

`Api` is as thin as it can be: the stubs, a bearer token on every call, and the few steps that many tests
begin with. `refusal` reads why a call was refused, as a program would.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2
from muniment.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    artifact_service_pb2,
    artifact_service_pb2_grpc,
    catalog_pb2,
    ledger_service_pb2_grpc,
    metadata_service_pb2,
    metadata_service_pb2_grpc,
    promotion_service_pb2_grpc,
)

CALL_SECONDS = 60.0
"""Deadline of every call that sets none: it bounds a hang, it measures nothing."""

_FRAME_BYTES = 1024 * 1024
_CHUNK_BYTES = 4 * 1024 * 1024
_MAX_MESSAGE = 64 * 1024 * 1024


class Refusal(NamedTuple):
    """Why a call was refused."""

    code: grpc.StatusCode
    reason: str
    facts: dict[str, str]


def refusal(error: grpc.RpcError) -> Refusal:
    """Status code, `ErrorReason` without prefix and facts of a refusal, from its details trailer.

    Raises:
        AssertionError: if the server sent no details, or they contradict the status.
    """
    status = refused_status(error)
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            assert info.domain == "muniment", info
            return Refusal(error.code(), info.reason, dict(info.metadata))
    raise AssertionError(f"the details hold no ErrorInfo: {status}")


def refused(call: Callable[..., Any], request: Any, **options: Any) -> Refusal:
    """Makes a call that must be refused, streams to their end, and tells why it was.

    Raises:
        AssertionError: if it was answered.
    """
    try:
        answer = call(request, **options)
        if isinstance(answer, Iterator):
            answer = list(answer)
    except grpc.RpcError as error:
        return refusal(error)
    raise AssertionError(f"was not refused but answered with {answer}")


def refused_status(error: grpc.RpcError) -> status_pb2.Status:
    """The whole `google.rpc.Status` that came with a refusal."""
    trailers: Any = error.trailing_metadata() or ()
    for key, value in trailers:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            assert status.code == error.code().value[0], (status, error)
            assert status.message == error.details(), (status, error)
            return status
    raise AssertionError(f"refused without details: {error}")


class _Stub:
    """A generated stub that sends the token and a deadline with every call; a call may set its own."""

    def __init__(self, stub: Any, token: str | None) -> None:
        self._stub = stub
        self._metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(getattr(self._stub, method), metadata=self._metadata, timeout=CALL_SECONDS)


class Api:
    """The five services at an address, as one caller; `token=None` sends none.

    Attributes:
        project: last part of the name of the project the short methods work in.
        metadata, ledger, access, artifact, promotion: the generated stubs.
    """

    def __init__(self, address: str, token: str | None, *, project: str = "default") -> None:
        self.address = address
        self.token = token
        self.project = project
        self._channel = grpc.insecure_channel(
            address,
            options=(
                ("grpc.max_receive_message_length", _MAX_MESSAGE),
                # Every client a connection of its own, closed when it is.
                ("grpc.use_local_subchannel_pool", 1),
            ),
        )
        self.metadata = _Stub(metadata_service_pb2_grpc.MetadataServiceStub(self._channel), token)
        self.ledger = _Stub(ledger_service_pb2_grpc.LedgerServiceStub(self._channel), token)
        self.access = _Stub(access_service_pb2_grpc.AccessServiceStub(self._channel), token)
        self.artifact = _Stub(artifact_service_pb2_grpc.ArtifactServiceStub(self._channel), token)
        self.promotion = _Stub(promotion_service_pb2_grpc.PromotionServiceStub(self._channel), token)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def parent(self, project: str | None = None) -> str:
        """`projects/{project}`."""
        return f"projects/{project or self.project}"

    def as_caller(self, token: str | None) -> Api:
        """Another caller of the same server and project; close it too."""
        return Api(self.address, token, project=self.project)

    def new_project(self, name: str = "") -> str:
        """Creates a project, by default one nobody else uses; returns the last part of its name."""
        project_id = name or f"p-{uuid.uuid4().hex[:12]}"
        self.metadata.CreateProject(metadata_service_pb2.CreateProjectRequest(project_id=project_id))
        return project_id

    def new_token(self, *roles: str, project: str | None = None, principal: str = "somebody") -> str:
        """Creates a token with roles such as `reader`; `project="-"` for the whole instance."""
        request = access_service_pb2.CreateTokenRequest(
            parent=self.parent(project),
            principal=principal,
            roles=[f"ROLE_{role.upper()}" for role in roles],
        )
        return str(self.access.CreateToken(request).secret)

    def commit(self, files: dict[str, bytes], project: str | None = None) -> str:
        """Stores files in a project with PutChunks and CommitUpload; returns the manifest's digest."""
        chunks: dict[str, bytes] = {}
        entries = []
        for path, content in files.items():
            parts = [content[at : at + _CHUNK_BYTES] for at in range(0, len(content), _CHUNK_BYTES)]
            entry = artifact_service_pb2.FileEntry(path=path, digest=sha256(content), size=len(content))
            for part in parts:
                entry.chunks.add(digest=sha256(part), size=len(part))
                chunks[sha256(part)] = part
            entries.append(entry)
        if chunks:
            for _acknowledged in self.artifact.PutChunks(_frames(self.parent(project), chunks)):
                pass
        request = artifact_service_pb2.CommitUploadRequest(parent=self.parent(project), files=entries)
        return str(self.artifact.CommitUpload(request).digest)

    def new_model(self, model: str, project: str | None = None) -> str:
        """Creates a model; returns its resource name."""
        request = metadata_service_pb2.CreateModelRequest(parent=self.parent(project), model_id=model)
        return str(self.metadata.CreateModel(request).name)

    def new_version(
        self, model: str, files: dict[str, bytes] | None = None, project: str | None = None, **fields: Any
    ) -> catalog_pb2.Version:
        """Commits files (by default some of its own) and registers them as the next version of a model.

        Args:
            model: last part of the model's name.
            fields: further fields of the `Version` message.
        """
        digest = self.commit(files or {"model.bin": uuid.uuid4().bytes}, project)
        request = metadata_service_pb2.CreateVersionRequest(
            parent=f"{self.parent(project)}/models/{model}",
            version=catalog_pb2.Version(digest=digest, **fields),
        )
        version = self.metadata.CreateVersion(request)
        assert isinstance(version, catalog_pb2.Version)
        return version


def sha256(content: bytes) -> str:
    """`sha256:<hex>` of bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _frames(parent: str, chunks: dict[str, bytes]) -> Iterator[artifact_service_pb2.PutChunksRequest]:
    for digest, content in chunks.items():
        for offset in range(0, len(content), _FRAME_BYTES):
            yield artifact_service_pb2.PutChunksRequest(
                parent=parent,
                digest=digest,
                size=len(content),
                offset=offset,
                data=content[offset : offset + _FRAME_BYTES],
            )
            parent = ""
