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
    LedgerRecovery,
    ManifestNotFound,
    PeerUnavailable,
    PermissionDenied,
    ProjectNotFound,
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
_TOLD_WHEN_REPEATED = frozenset({PermissionDenied.reason, ProjectNotFound.reason})
"""What changed between a call and the one it made: whoever repeats the first is told by it."""


class ArtifactPeer:
    """The artifact service as the others use it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)

    async def verify(self, project: str, digest: str, *, seconds: float | None) -> None:
        """Have every chunk of a manifest read and compared with its digest.

        Args:
            seconds: how long the caller waits; None: for ever.

        Raises:
            BytesDamaged: if a chunk is gone or wrong.
            BytesArchived: if they are not at hand.
            StorageFull: if there is no room for them.
            TokenInvalid: if the caller's token ended meanwhile.
            PeerUnavailable: if the artifact service does not answer.
        """
        request = artifact_service_pb2.VerifyManifestRequest(parent=ProjectName(project).text, digest=digest)
        await self._ask(self._stub.VerifyManifest, request, digest, seconds)

    async def restore(self, project: str, digest: str, *, seconds: float | None) -> None:
        """Have every chunk of a manifest brought to hand, read, and left there for a grace period of collection.

        Raises:
            LedgerRecovery: if nothing may be written.
            As :meth:`verify`, whose arguments these are.
        """
        request = artifact_service_pb2.RestoreManifestRequest(parent=ProjectName(project).text, digest=digest)
        await self._ask(self._stub.RestoreManifest, request, digest, seconds)

    async def _ask(
        self, method: Callable[..., Any], request: Any, digest: str, seconds: float | None
    ) -> None:
        try:
            await method(
                request,
                metadata=(("authorization", f"Bearer {current_token.get()}"),),
                timeout=seconds,
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error, digest) from error


def _translated(error: grpc.aio.AioRpcError, digest: str) -> Exception:
    info = error_info(error.trailing_metadata())
    reason, facts = (info.reason, info.metadata) if info else ("", {})
    if reason == BytesArchived.reason:
        return BytesArchived(facts["digest"], Tier(facts["tier"]))
    if reason in (BytesDamaged.reason, ManifestNotFound.reason):
        return BytesDamaged(digest, error.details() or "a chunk is gone or wrong")
    if reason == StorageFull.reason:
        return StorageFull(facts["store"])
    if reason == LedgerRecovery.reason:
        return LedgerRecovery()
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        return TokenInvalid()
    if error.code() in _RETRYABLE or reason in _TOLD_WHEN_REPEATED:
        return PeerUnavailable("artifact")
    return error
