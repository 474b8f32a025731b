"""What services ask of the artifact service, over gRPC and on behalf of their caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from muniment.names import ProjectName
from muniment.v1 import artifact_service_pb2, artifact_service_pb2_grpc

from muniment_core.domain.errors import (
    BytesArchived,
    BytesDamaged,
    PeerUnavailable,
    StorageFull,
    TokenInvalid,
)
from muniment_core.domain.tiers import Tier
from muniment_core.rpc.auth import current_token
from muniment_core.rpc.error_table import error_info

_RETRYABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
READING_SECONDS = 3600.0
"""Reading and hashing a whole version may take long; the caller's own deadline ends it sooner."""


class ArtifactPeer:
    """The artifact service as the others use it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)

    async def verify(self, project: str, digest: str) -> None:
        """Have every chunk of a manifest read and compared with its digest.

        Raises:
            BytesDamaged: if a chunk is gone or wrong.
            BytesArchived: if they are not at hand.
            StorageFull: if there is no room for them.
            TokenInvalid: if the caller's token ended meanwhile.
            PeerUnavailable: if the artifact service does not answer.
        """
        request = artifact_service_pb2.VerifyManifestRequest(parent=ProjectName(project).text, digest=digest)
        await self._ask(self._stub.VerifyManifest, request, digest)

    async def restore(self, project: str, digest: str) -> None:
        """Have every chunk of a manifest brought to hand, read, and left there for a grace period of collection.

        Raises:
            As :meth:`verify`.
        """
        request = artifact_service_pb2.RestoreManifestRequest(parent=ProjectName(project).text, digest=digest)
        await self._ask(self._stub.RestoreManifest, request, digest)

    async def _ask(self, method: Callable[..., Any], request: Any, digest: str) -> None:
        try:
            await method(
                request,
                metadata=(("authorization", f"Bearer {current_token.get()}"),),
                timeout=READING_SECONDS,
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error, digest) from error


def _translated(error: grpc.aio.AioRpcError, digest: str) -> Exception:
    info = error_info(error.trailing_metadata())
    reason, facts = (info.reason, info.metadata) if info else ("", {})
    if reason == BytesArchived.reason:
        return BytesArchived(facts["digest"], Tier(facts["tier"]))
    if reason == StorageFull.reason:
        return StorageFull(facts["store"])
    if error.code() in (grpc.StatusCode.DATA_LOSS, grpc.StatusCode.NOT_FOUND):
        return BytesDamaged(digest, error.details() or "a chunk is gone or wrong")
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return TokenInvalid()
    if error.code() in _RETRYABLE:
        return PeerUnavailable("artifact")
    return error
