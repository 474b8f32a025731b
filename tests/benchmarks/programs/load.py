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

import uvloop
from bare_client import BareConnection
from google.protobuf.message import Message
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2

MOVES_BETWEEN = 2
"""Pointers go to and fro between so many versions."""
METHODS = {
    "resolve": "/muniment.v1.MetadataService/ResolveVersion",
    "register": "/muniment.v1.MetadataService/CreateVersion",
    "alias": "/muniment.v1.MetadataService/SetAlias",
    "promote": "/muniment.v1.PromotionService/RequestPromotion",
}


def requests(spec: dict[str, Any], connection: int) -> Callable[[int], Message]:
    """What one connection asks, as a function of how often it did before."""
    model = spec["model"]

    def request_id(turn: int) -> str:
        return f"{spec['round']}-{connection}-{turn}"

    def resolve(_turn: int) -> Message:
        return pb.ResolveVersionRequest(model=model, selector="production")

    def register(turn: int) -> Message:
        request = pb.CreateVersionRequest(parent=model, request_id=request_id(turn))
        request.version.digest = spec["digest"]
        request.version.metrics.add(key="f1", value=0.9)
        request.version.params["depth"].number = 6
        return request

    def alias(turn: int) -> Message:
        return pb.SetAliasRequest(
            name=f"{model}/aliases/champion-{connection}",
            number=1 + turn % MOVES_BETWEEN,
            request_id=request_id(turn),
        )

    def promote(turn: int) -> Message:
        return promotion_service_pb2.RequestPromotionRequest(
            version=f"{model}/versions/{1 + turn % MOVES_BETWEEN}",
            stage="production",
            request_id=request_id(turn),
        )

    return {"resolve": resolve, "register": register, "alias": alias, "promote": promote}[spec["method"]]


async def main() -> None:
    """Make calls for so long, or so many, and tell how many were answered in what time."""
    spec = json.load(sys.stdin)
    times: list[float] = []
    remaining = spec.get("calls") or sys.maxsize
    connections = [
        await BareConnection.open(spec["address"], METHODS[spec["method"]], spec["token"])
        for _ in range(spec["connections"])
    ]
    began = time.perf_counter()
    end = began + (spec.get("seconds") or 3600)

    async def call_on(number: int, connection: BareConnection) -> None:
        nonlocal remaining
        make = requests(spec, number)
        turn = 0
        while remaining > 0 and time.perf_counter() < end:
            remaining -= 1
            asked = time.perf_counter()
            await connection.ask(make(turn).SerializeToString())
            times.append(time.perf_counter() - asked)
            turn += 1

    await asyncio.gather(*(call_on(*each) for each in enumerate(connections)))
    seconds = time.perf_counter() - began
    for connection in connections:
        connection.close()
    times.sort()
    print(json.dumps({"answered": len(times), "seconds": seconds, "p50_ms": times[len(times) // 2] * 1000}))


uvloop.run(main())
