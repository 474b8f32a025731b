"""A load of unary calls on our contract: N connections, each calling again as soon as it is answered. Prints JSON.

Reads from standard input: address, token, method, model, digest, connections, and either seconds or calls.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import grpc
import uvloop
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import metadata_service_pb2_grpc, promotion_service_pb2, promotion_service_pb2_grpc

MOVES_BETWEEN = 2
"""Pointers go to and fro between so many versions."""


def calls(channel: grpc.aio.Channel, spec: dict[str, Any], connection: int) -> Callable[[int], Any]:
    """What one connection does, as a function of how often it did before; every answer has a `number`."""
    metadata = (("authorization", f"Bearer {spec['token']}"),)
    model = spec["model"]
    stub = metadata_service_pb2_grpc.MetadataServiceStub(channel)

    def resolve(_turn: int) -> Any:
        request = pb.ResolveVersionRequest(model=model, selector="production")
        return stub.ResolveVersion(request, metadata=metadata)

    def register(turn: int) -> Any:
        request = pb.CreateVersionRequest(parent=model, request_id=f"{spec['round']}-{connection}-{turn}")
        request.version.digest = spec["digest"]
        request.version.metrics.add(key="f1", value=0.9)
        request.version.params["depth"].number = 6
        return stub.CreateVersion(request, metadata=metadata)

    def alias(turn: int) -> Any:
        request = pb.SetAliasRequest(
            name=f"{model}/aliases/champion-{connection}",
            number=1 + turn % MOVES_BETWEEN,
            request_id=f"{spec['round']}-{connection}-{turn}",
        )
        return stub.SetAlias(request, metadata=metadata)

    async def promote(turn: int) -> Any:
        request = promotion_service_pb2.RequestPromotionRequest(
            version=f"{model}/versions/{1 + turn % MOVES_BETWEEN}",
            stage="production",
            request_id=f"{spec['round']}-{connection}-{turn}",
        )
        promotion = promotion_service_pb2_grpc.PromotionServiceStub(channel)
        await promotion.RequestPromotion(request, metadata=metadata)

    return {"resolve": resolve, "register": register, "alias": alias, "promote": promote}[spec["method"]]


async def main() -> None:
    """Make calls for so long, or so many, and tell how many were answered in what time."""
    spec = json.load(sys.stdin)
    times: list[float] = []
    remaining = spec.get("calls") or sys.maxsize
    end = time.perf_counter() + (spec.get("seconds") or 3600)

    async def call_on(connection: int) -> None:
        nonlocal remaining
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(spec["address"], options=options) as channel:
            call = calls(channel, spec, connection)
            turn = 0
            while remaining > 0 and time.perf_counter() < end:
                remaining -= 1
                began = time.perf_counter()
                await call(turn)
                times.append(time.perf_counter() - began)
                turn += 1

    began = time.perf_counter()
    await asyncio.gather(*(call_on(connection) for connection in range(spec["connections"])))
    seconds = time.perf_counter() - began
    times.sort()
    print(json.dumps({"answered": len(times), "seconds": seconds, "p50_ms": times[len(times) // 2] * 1000}))


uvloop.run(main())
