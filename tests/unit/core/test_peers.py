"""What a service makes of a refusal by the artifact service."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata
from muniment.digests import Digest
from muniment_core.domain.errors import (
    BytesArchived,
    BytesDamaged,
    DomainError,
    LedgerRecovery,
    ManifestNotFound,
    PeerUnavailable,
    ProjectNotFound,
    StorageFull,
    StorageUnavailable,
    TokenInvalid,
)
from muniment_core.domain.tiers import Tier
from muniment_core.rpc.error_table import error_metadata, status_of
from muniment_core.rpc.peers import ArtifactPeer

DIGEST = Digest.of(b"manifest").text


class Refusing:
    """A channel whose methods refuse."""

    def __init__(self, error: DomainError) -> None:
        code, status = status_of(error)
        self._error = AioRpcError(code, Metadata(), Metadata(*error_metadata(status)), status.message)

    def _method(self, *_arguments: object, **_options: object):
        async def call(*_arguments: object, **_options: object) -> None:
            raise self._error

        return call

    unary_unary = stream_stream = unary_stream = _method


@pytest.mark.parametrize(
    ("refusal", "translated"),
    [
        (BytesArchived(DIGEST, Tier.GONE), BytesArchived),
        (BytesDamaged(DIGEST, "it is gone"), BytesDamaged),
        (ManifestNotFound(DIGEST), BytesDamaged),
        (StorageFull("artifacts"), StorageFull),
        (LedgerRecovery(), LedgerRecovery),
        (TokenInvalid(), TokenInvalid),
        (StorageUnavailable("artifacts"), PeerUnavailable),
        (ProjectNotFound("default"), PeerUnavailable),
    ],
    ids=lambda value: getattr(value, "reason", ""),
)
async def test_a_refusal_is_passed_on_as_what_it_means_to_the_caller(
    refusal: DomainError, translated: type[DomainError]
) -> None:
    peer = ArtifactPeer(Refusing(refusal))
    with pytest.raises(translated) as raised:
        await peer.restore("default", DIGEST, seconds=None)
    if isinstance(refusal, BytesArchived):
        assert raised.value.facts == refusal.facts


async def test_a_status_that_says_nothing_more_is_told_as_a_peer_that_does_not_answer() -> None:
    refusing = Refusing(StorageUnavailable("artifacts"))
    refusing._error = AioRpcError(grpc.StatusCode.DEADLINE_EXCEEDED, Metadata(), Metadata(), "late")
    with pytest.raises(PeerUnavailable):
        await ArtifactPeer(refusing).verify("default", DIGEST, seconds=1.0)
