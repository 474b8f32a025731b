"""The bare stack: grpc.aio, one indexed SQLite read or one durable row per call, and nothing else.

Speaks two methods of the contract, so that the same load runs against it and against the server.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import grpc
import uvloop
from muniment.v1 import catalog_pb2, metadata_service_pb2_grpc


class Bare(metadata_service_pb2_grpc.MetadataServiceServicer):
    """Answers ResolveVersion from one row; CreateVersion inserts one row, committing all that wait at once."""

    def __init__(self, directory: Path) -> None:
        self._connection = sqlite3.connect(
            directory / "bare.db", isolation_level=None, check_same_thread=False
        )
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS versions (number INTEGER PRIMARY KEY, body BLOB)"
        )
        body = catalog_pb2.Version(name="projects/default/models/m/versions/1", number=1).SerializeToString()
        self._connection.execute("INSERT OR REPLACE INTO versions VALUES (1, ?)", (body,))
        self._waiting: list[tuple[bytes, asyncio.Future[int]]] = []
        self._wake = asyncio.Event()

    async def ResolveVersion(self, request, context):
        ((body,),) = self._connection.execute("SELECT body FROM versions WHERE number = ?", (1,))
        return catalog_pb2.Version.FromString(body)

    async def CreateVersion(self, request, context):
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((request.version.SerializeToString(), future))
        self._wake.set()
        return catalog_pb2.Version(number=await future)

    async def commit(self) -> None:
        """The writer: group commit on a thread."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if batch:
                numbers = await asyncio.to_thread(self._insert, [body for body, _ in batch])
                for (_, future), number in zip(batch, numbers, strict=True):
                    future.set_result(number)

    def _insert(self, bodies: list[bytes]) -> list[int]:
        self._connection.execute("BEGIN IMMEDIATE")
        numbers = [
            int(self._connection.execute("INSERT INTO versions (body) VALUES (?)", (body,)).lastrowid or 0)
            for body in bodies
        ]
        self._connection.execute("COMMIT")
        return numbers


async def main() -> None:
    """Serve until killed."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    bare = Bare(Path(sys.argv[1]))
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(bare, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    writer = asyncio.create_task(bare.commit())
    print(f"serving on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
    writer.cancel()


uvloop.run(main())
