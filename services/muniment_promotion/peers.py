"""What promotion asks of the other services, over gRPC and on behalf of the caller."""

from __future__ import annotations

import grpc
from muniment.names import ProjectName
from muniment.v1 import artifact_service_pb2, artifact_service_pb2_grpc
from muniment_core.domain.errors import BytesDamaged, PeerUnavailable, TokenInvalid
from muniment_core.rpc.auth import current_token

_RETRYABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.CANCELLED,
    }
)
VERIFY_SECONDS = 3600.0
"""Reading and hashing a whole version may take long; the caller's own deadline ends it sooner."""


class ArtifactPeer:
    """The artifact service as promotion uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)

    async def verify(self, project: str, digest: str) -> None:
        """Have every chunk of a manifest read and compared with its digest.

        Raises:
            BytesDamaged: if a chunk is gone or wrong.
            TokenInvalid: if the caller's token ended meanwhile.
            PeerUnavailable: if the artifact service does not answer.
        """
        request = artifact_service_pb2.VerifyManifestRequest(parent=ProjectName(project).text, digest=digest)
        try:
            await self._stub.VerifyManifest(
                request,
                metadata=(("authorization", f"Bearer {current_token.get()}"),),
                timeout=VERIFY_SECONDS,
            )
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.DATA_LOSS, grpc.StatusCode.NOT_FOUND):
                raise BytesDamaged(digest, error.details() or "a chunk is gone or wrong") from error
            if error.code() is grpc.StatusCode.UNAUTHENTICATED:
                raise TokenInvalid from error
            if error.code() in _RETRYABLE:
                raise PeerUnavailable("artifact") from error
            raise
