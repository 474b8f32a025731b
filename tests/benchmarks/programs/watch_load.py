"""Watchers of the ledger, and changes at a steady rate: how long after a change each has its event. Prints JSON.

Reads from standard input: address, token, model, after, watchers, per_second, seconds, round. A change is due at
its time however long the one before takes, so a server that falls behind is seen to. The time of an event is that
of its entry, from before it was committed: what is measured is the commit and all that follows it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import grpc
import uvloop
from muniment.v1 import (
    metadata_service_pb2,
    metadata_service_pb2_grpc,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
)

STREAMS_OF_A_CHANNEL = 100
MOVES_BETWEEN = 2
END_SECONDS = 60.0


class Watcher:
    """One stream: counts what comes, and holds it to be all of it, in order."""

    def __init__(self, after: int) -> None:
        self.revision = after
        self.delays_ms: list[float] = []
        self.stands = asyncio.Event()

    async def follow(self, stub: Any, metadata: Any) -> None:
        """Read until cancelled."""
        request = promotion_service_pb2.WatchRequest(parent="projects/default", after_revision=self.revision)
        async for response in stub.Watch(request, metadata=metadata):
            now = time.time()
            self.stands.set()
            for entry in response.entries:
                assert entry.revision == self.revision + 1, (entry.revision, self.revision)
                self.revision = entry.revision
                self.delays_ms.append((now - entry.time.seconds - entry.time.nanos / 1e9) * 1000)


async def main() -> None:
    """Watch, change, wait until everybody has everything, and tell the delays."""
    spec = json.load(sys.stdin)
    metadata = (("authorization", f"Bearer {spec['token']}"),)
    channels = [
        grpc.aio.insecure_channel(spec["address"], options=(("grpc.use_local_subchannel_pool", 1),))
        for _ in range(1 + (spec["watchers"] - 1) // STREAMS_OF_A_CHANNEL)
    ]
    watchers = [Watcher(spec["after"]) for _ in range(spec["watchers"])]
    tasks = [
        asyncio.create_task(
            watcher.follow(
                promotion_service_pb2_grpc.PromotionServiceStub(channels[index % len(channels)]), metadata
            )
        )
        for index, watcher in enumerate(watchers)
    ]
    await asyncio.gather(*(watcher.stands.wait() for watcher in watchers))

    writing = grpc.aio.insecure_channel(spec["address"], options=(("grpc.use_local_subchannel_pool", 1),))
    stub = metadata_service_pb2_grpc.MetadataServiceStub(writing)
    count = int(spec["per_second"] * spec["seconds"])
    began = time.perf_counter()

    async def change(number: int) -> None:
        await asyncio.sleep(max(0.0, began + number / spec["per_second"] - time.perf_counter()))
        request = metadata_service_pb2.SetAliasRequest(
            name=f"{spec['model']}/aliases/champion",
            number=1 + number % MOVES_BETWEEN,
            request_id=f"{spec['round']}-{number}",
        )
        await stub.SetAlias(request, metadata=metadata)

    await asyncio.gather(*(change(number) for number in range(count)))
    took = time.perf_counter() - began
    end = spec["after"] + count
    deadline = time.perf_counter() + END_SECONDS
    while any(watcher.revision < end for watcher in watchers):
        assert time.perf_counter() < deadline, "some watchers lack events"
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for channel in (writing, *channels):
        await channel.close()
    delays = sorted(delay for watcher in watchers for delay in watcher.delays_ms)
    assert len(delays) == count * len(watchers), "some events came more than once"
    print(
        json.dumps(
            {
                "revision": end,
                "changes_per_second": count / took,
                "p50_ms": delays[len(delays) // 2],
                "p99_ms": delays[len(delays) * 99 // 100],
                "max_ms": delays[-1],
            }
        )
    )


uvloop.run(main())
