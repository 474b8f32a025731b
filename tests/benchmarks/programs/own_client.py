"""One caller with the client a program would use: the SDK to resolve, the generated stub to register. Prints JSON.

Reads from standard input: address, token, method, model, digest, round and seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import grpc
import muniment
from muniment.names import ModelName
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import metadata_service_pb2_grpc


def timed(call: Callable[[int], Any], seconds: float) -> dict[str, float]:
    """Call again and again for so long."""
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        asked = time.perf_counter()
        call(len(times))
        times.append(time.perf_counter() - asked)
    elapsed = time.perf_counter() - began
    times.sort()
    return {"answered": len(times), "seconds": elapsed, "p50_ms": times[len(times) // 2] * 1000}


def resolving(spec: dict[str, Any]) -> dict[str, float]:
    """What is in production?"""
    selector = f"{ModelName.parse(spec['model']).model}@production"
    with muniment.connect(spec["address"], token=spec["token"]) as registry:
        return timed(lambda _turn: registry.show(selector), spec["seconds"])


def registering(spec: dict[str, Any]) -> dict[str, float]:
    """A new version of bytes that are there."""
    metadata = (("authorization", f"Bearer {spec['token']}"),)
    with grpc.insecure_channel(spec["address"]) as channel:
        create = metadata_service_pb2_grpc.MetadataServiceStub(channel).CreateVersion

        def call(turn: int) -> Any:
            request = pb.CreateVersionRequest(parent=spec["model"], request_id=f"{spec['round']}-{turn}")
            request.version.digest = spec["digest"]
            request.version.metrics.add(key="f1", value=0.9)
            request.version.params["depth"].number = 6
            return create(request, metadata=metadata)

        return timed(call, spec["seconds"])


asked_for = json.load(sys.stdin)
print(json.dumps({"resolve": resolving, "register": registering}[asked_for["method"]](asked_for)))
