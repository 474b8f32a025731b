"""A load of unary calls: N connections, each calling again as soon as it is answered. Prints JSON.

Arguments: address, token, method (resolve or register), connections, seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

import grpc
import uvloop
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import metadata_service_pb2_grpc

MODEL = "projects/default/models/m"


async def main() -> None:
    """Warm up, then count what was answered well."""
    address, token, method, connections, seconds = sys.argv[1:]
    digest = sys.stdin.read().strip()
    metadata = (("authorization", f"Bearer {token}"),)
    times: list[float] = []

    async def call_on() -> None:
        options = (("grpc.use_local_subchannel_pool", 1),)
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            stub = metadata_service_pb2_grpc.MetadataServiceStub(channel)
            while time.perf_counter() < end:
                if method == "resolve":
                    request = pb.ResolveVersionRequest(model=MODEL, selector="production")
                    call = stub.ResolveVersion(request, metadata=metadata)
                else:
                    create = pb.CreateVersionRequest(parent=MODEL)
                    create.version.digest = digest
                    create.version.metrics.add(key="f1", value=0.9)
                    create.version.params["depth"].number = 6
                    call = stub.CreateVersion(create, metadata=metadata)
                began = time.perf_counter()
                answer = await call
                assert answer.number > 0
                if began > counted_from:
                    times.append(time.perf_counter() - began)

    counted_from = time.perf_counter() + 1.0
    end = counted_from + float(seconds)
    await asyncio.gather(*(call_on() for _ in range(int(connections))))
    times.sort()
    print(json.dumps({"per_second": len(times) / float(seconds), "p50_ms": times[len(times) // 2] * 1000}))


uvloop.run(main())
