"""Entries for one watcher, in as few messages as fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from muniment.v1 import promotion_service_pb2 as pb
from muniment.v1.ledger_service_pb2 import LedgerEntry

MAX_ENTRIES = 500
MAX_BYTES = 1024 * 1024
"""Most of one message: default clients take 4 MiB, and larger messages are no faster."""


def packed(messages: Sequence[LedgerEntry], position: int) -> Iterator[pb.WatchResponse]:
    """As few responses as fit; only the last one may bookmark a revision beyond its entries."""
    response, size = pb.WatchResponse(), 0
    for message in messages:
        if response.entries and size + message.ByteSize() > MAX_BYTES:
            yield response
            response, size = pb.WatchResponse(), 0
        response.entries.append(message)
        response.revision = message.revision
        size += message.ByteSize()
    if response.entries:
        response.revision = position
        yield response
