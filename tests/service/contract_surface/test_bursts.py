"""More calls at once than a server can begin at once: each is answered."""

from __future__ import annotations

import asyncio
from collections import Counter

import grpc
from harness.api import Api
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import metadata_service_pb2_grpc

CALLS = 4_000
CONNECTIONS = 20


async def test_a_burst_of_thousands_of_calls_is_answered(api: Api) -> None:
    """gRPC ends calls CANCELLED without a reason when more than a thousand wait to be looked at."""
    name = api.new_model("m")
    answers: Counter[str] = Counter()
    metadata = (("authorization", f"Bearer {api.token}"),)
    options = (("grpc.use_local_subchannel_pool", 1),)
    channels = [grpc.aio.insecure_channel(api.address, options=options) for _ in range(CONNECTIONS)]

    async def ask(channel: grpc.aio.Channel) -> None:
        request = pb.GetModelRequest(name=name)
        try:
            await metadata_service_pb2_grpc.MetadataServiceStub(channel).GetModel(request, metadata=metadata)
            answers["OK"] += 1
        except grpc.aio.AioRpcError as error:
            answers[error.code().name] += 1

    await asyncio.gather(*(ask(channels[number % CONNECTIONS]) for number in range(CALLS)))
    for channel in channels:
        await channel.close()
    assert answers == {"OK": CALLS}
