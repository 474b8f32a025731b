"""Which services there are, and how each is put on a server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from muniment.v1 import (
    access_service_pb2,
    access_service_pb2_grpc,
    artifact_service_pb2,
    ledger_service_pb2,
    ledger_service_pb2_grpc,
    metadata_service_pb2,
    metadata_service_pb2_grpc,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
)
from muniment_artifact.ahead import ReadAhead
from muniment_artifact.collection.sweep import Stores
from muniment_artifact.direct import Addresses
from muniment_artifact.limits import Limits
from muniment_artifact.servicer import ArtifactServicer, add_to_server
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.auth import Authorizer
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens
from muniment_core.rpc.peers import ArtifactPeer
from muniment_metadata.access_servicer import AccessServicer
from muniment_metadata.ledger_servicer import LedgerServicer
from muniment_metadata.predictions.answers import Predictions
from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.servicer import MetadataServicer
from muniment_promotion.servicer import PromotionServicer
from muniment_promotion.watch.tail import LedgerTail

from muniment_server.descriptors import raise_descriptor_limit
from muniment_server.settings import Service

DESCRIPTORS: Mapping[Service, tuple[ServiceDescriptor, ...]] = {
    Service.METADATA: (
        metadata_service_pb2.DESCRIPTOR.services_by_name["MetadataService"],
        ledger_service_pb2.DESCRIPTOR.services_by_name["LedgerService"],
        access_service_pb2.DESCRIPTOR.services_by_name["AccessService"],
    ),
    Service.ARTIFACT: (artifact_service_pb2.DESCRIPTOR.services_by_name["ArtifactService"],),
    Service.PROMOTION: (promotion_service_pb2.DESCRIPTOR.services_by_name["PromotionService"],),
}


@dataclass(frozen=True, slots=True)
class Serving:
    """What every service is put on and given."""

    server: grpc.aio.Server
    execution: Execution
    page_tokens: PageTokens
    authorizer: Authorizer


def descriptors_of(service: Service) -> tuple[ServiceDescriptor, ...]:
    """The services a process serves."""
    if service is Service.ALL:
        return tuple(descriptor for served in DESCRIPTORS.values() for descriptor in served)
    return DESCRIPTORS[service]


def serve_metadata(serving: Serving, bodies: BodyStore, artifacts: ArtifactPeer) -> Predictions:
    """Serve catalog, audit log, predictions and access.

    Returns:
        The predictions, to be closed before the server is.
    """
    predictions = Predictions(serving.execution, serving.page_tokens, bodies)
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(
        MetadataServicer(serving.execution, serving.page_tokens, artifacts=artifacts), serving.server
    )
    ledger_service_pb2_grpc.add_LedgerServiceServicer_to_server(
        LedgerServicer(serving.execution, serving.page_tokens, predictions), serving.server
    )
    access_service_pb2_grpc.add_AccessServiceServicer_to_server(
        AccessServicer(serving.execution, serving.page_tokens, forget_principals=serving.authorizer.forget),
        serving.server,
    )
    return predictions


def serve_artifact(
    serving: Serving, stores: Stores, *, remote: bool, addresses: Addresses | None, drop_archived: bool
) -> ArtifactServicer:
    """Serve bytes.

    Args:
        stores: where they are.
        remote: whether the store is reached over a network, and read ahead from.
        addresses: where clients get bytes from the store itself, if they may.
        drop_archived: whether those of archived versions are given up.

    Returns:
        The service, to be closed before the server is.
    """
    limits = Limits().within_descriptors(raise_descriptor_limit())
    ahead = ReadAhead() if remote else None
    servicer = ArtifactServicer(
        serving.execution,
        stores[Shelf.HOT],
        limits,
        serving.page_tokens,
        cold=stores[Shelf.COLD],
        drop_archived=drop_archived,
        ahead=ahead,
        addresses=addresses,
    )
    add_to_server(servicer, serving.server)
    return servicer


def serve_promotion(serving: Serving, artifacts: ArtifactPeer, tail: LedgerTail) -> None:
    """Serve stages and events."""
    promotion_service_pb2_grpc.add_PromotionServiceServicer_to_server(
        PromotionServicer(serving.execution, serving.page_tokens, artifacts=artifacts, tail=tail),
        serving.server,
    )
