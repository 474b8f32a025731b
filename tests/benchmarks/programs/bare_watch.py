"""The bare stack for events: one row committed per change, and each watcher sent all it lacks in one message.

Speaks SetAlias and Watch of the contract, so that the same load runs against it and against the server. An entry
has the time from just before its row is committed, as ours have. Argument: a directory for the SQLite file.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys

import grpc
import uvloop
from muniment.v1 import (
    catalog_pb2,
    ledger_service_pb2,
    metadata_service_pb2_grpc,
    promotion_service_pb2,
    promotion_service_pb2_grpc,
)

BODY = bytes(500)
"""About as long as an entry of ours."""


class Bare(
    metadata_service_pb2_grpc.MetadataServiceServicer, promotion_service_pb2_grpc.PromotionServiceServicer
):
    """Keeps all entries in memory."""

    def __init__(self, directory: str) -> None:
        self._connection = sqlite3.connect(
            f"{directory}/bare-watch.db", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE entries (revision INTEGER PRIMARY KEY, body BLOB)")
        self._entries: list[ledger_service_pb2.LedgerEntry] = []
        self._advanced = asyncio.Event()
        self._turn = asyncio.Lock()

    async def SetAlias(self, request, context):
        async with self._turn:
            entry = ledger_service_pb2.LedgerEntry(
                revision=len(self._entries) + 1, type="alias.set", body=BODY
            )
            entry.time.GetCurrentTime()
            insert = "INSERT INTO entries (body) VALUES (?)"
            await asyncio.to_thread(self._connection.execute, insert, (entry.SerializeToString(),))
            self._entries.append(entry)
        woken, self._advanced = self._advanced, asyncio.Event()
        woken.set()
        return catalog_pb2.Alias(name=request.name, number=request.number)

    async def Watch(self, request, context):
        position = request.after_revision
        yield promotion_service_pb2.WatchResponse(revision=position)
        while True:
            advanced = self._advanced
            if entries := self._entries[position:]:
                position += len(entries)
                yield promotion_service_pb2.WatchResponse(entries=entries, revision=position)
            else:
                await advanced.wait()


async def main() -> None:
    """Serve until killed."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    bare = Bare(sys.argv[1])
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(bare, server)
    promotion_service_pb2_grpc.add_PromotionServiceServicer_to_server(bare, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"serving on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


uvloop.run(main())
