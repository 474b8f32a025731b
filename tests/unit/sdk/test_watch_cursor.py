"""A watch goes on from where heartbeats have brought it, whether or not anything ever matched its filter."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import muniment
import pytest
from muniment.v1 import promotion_service_pb2 as pb
from muniment.v1 import promotion_service_pb2_grpc
from muniment.v1.ledger_service_pb2 import LedgerEntry


def heartbeat(revision: int) -> pb.WatchResponse:
    return pb.WatchResponse(revision=revision)


def entry(revision: int, *, upto: int = 0) -> pb.WatchResponse:
    return pb.WatchResponse(entries=[LedgerEntry(revision=revision, type="a.b")], revision=upto or revision)


class Broken(promotion_service_pb2_grpc.PromotionServiceServicer):
    """Ends every stream after the messages that were written for it.

    Attributes:
        asked: after which revision each stream was to begin, and of which model.
    """

    def __init__(self, streams: list[list[pb.WatchResponse]]) -> None:
        self.asked: list[tuple[int, str]] = []
        self._streams = iter(streams)

    def Watch(
        self, request: pb.WatchRequest, context: grpc.ServicerContext[Any, Any]
    ) -> Iterator[pb.WatchResponse]:
        self.asked.append((request.after_revision, request.filter.model))
        yield from next(self._streams)
        context.abort(grpc.StatusCode.UNAVAILABLE, "on purpose")


@pytest.mark.parametrize("after", [None, 7])
def test_a_filter_that_never_matches_keeps_its_place_through_reconnections(after: int | None) -> None:
    start = [] if after else [[heartbeat(100)]]
    broken = Broken(
        [
            *start,
            [],
            [heartbeat(120), heartbeat(250)],
            [],
            [heartbeat(260)],
            [entry(270, upto=300)],
            [entry(301)],
        ]
    )
    server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
    promotion_service_pb2_grpc.add_PromotionServiceServicer_to_server(broken, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with muniment.connect(f"127.0.0.1:{port}", token="none") as registry:
            with registry.watch(after=after, model="nowhere") as watch:
                begun = watch.revision
                assert next(watch).revision == 270
                # Nothing is left to be handed out up to here.
                assert next(watch).revision == 301
    finally:
        server.stop(None)
    assert begun == (after or 100)
    wanted = [place for place, model in broken.asked if model == "nowhere"]
    assert wanted == [begun, begun, 250, 250, 260, 300]
