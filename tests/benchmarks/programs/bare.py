"""The bare stack: grpc.aio, one indexed read or one durable row per call, and nothing else.

Speaks two methods of the contract, so that the same load runs against it and against the server.
Arguments: a directory for SQLite, or the address of a PostgreSQL database.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import psycopg
import uvloop
from muniment.v1 import catalog_pb2, metadata_service_pb2_grpc

BODY = catalog_pb2.Version(name="projects/default/models/m/versions/1", number=1).SerializeToString()


class Sqlite:
    """Reads inline, writes on a connection of its own."""

    pool = None

    def __init__(self, directory: str) -> None:
        self._writing, self._reading = (
            sqlite3.connect(f"{directory}/bare.db", isolation_level=None, check_same_thread=False)
            for _ in range(2)
        )
        self._writing.execute("PRAGMA journal_mode=WAL")
        self._writing.execute("PRAGMA synchronous=FULL")
        self._writing.execute("CREATE TABLE versions (number INTEGER PRIMARY KEY, body BLOB)")
        self._writing.execute("INSERT INTO versions VALUES (1, ?)", (BODY,))

    def read(self) -> bytes:
        ((body,),) = self._reading.execute("SELECT body FROM versions WHERE number = ?", (1,))
        return body

    def insert(self, bodies: list[bytes]) -> list[int]:
        self._writing.execute("BEGIN IMMEDIATE")
        insert = "INSERT INTO versions (body) VALUES (?)"
        numbers = [int(self._writing.execute(insert, (body,)).lastrowid or 0) for body in bodies]
        self._writing.execute("COMMIT")
        return numbers


class Postgresql:
    """Reads in a pool of threads with a connection each, writes on another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._local = threading.local()
        self.pool = ThreadPoolExecutor(8)
        self._writing = psycopg.connect(url)
        self._writing.execute("CREATE TABLE versions (number bigserial PRIMARY KEY, body bytea)")
        self._writing.execute("INSERT INTO versions (body) VALUES (%s)", (BODY,))
        self._writing.commit()

    def read(self) -> bytes:
        if not hasattr(self._local, "connection"):
            self._local.connection = psycopg.connect(self._url, autocommit=True)
        query = "SELECT body FROM versions WHERE number = %s"
        return bytes(self._local.connection.execute(query, (1,)).fetchone()[0])

    def insert(self, bodies: list[bytes]) -> list[int]:
        cursor = self._writing.cursor()
        insert = "INSERT INTO versions (body) VALUES (%s) RETURNING number"
        cursor.executemany(insert, [(body,) for body in bodies], returning=True)
        numbers = []
        for _ in bodies:
            numbers.append(cursor.fetchone()[0])
            cursor.nextset()
        self._writing.commit()
        return numbers


class Bare(metadata_service_pb2_grpc.MetadataServiceServicer):
    """Answers ResolveVersion from one row; CreateVersion inserts one row, committing all that wait at once."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self._waiting: list[tuple[bytes, asyncio.Future[int]]] = []
        self._wake = asyncio.Event()

    async def ResolveVersion(self, request, context):
        if self._database.pool is None:
            body = self._database.read()
        else:
            loop = asyncio.get_running_loop()
            body = await loop.run_in_executor(self._database.pool, self._database.read)
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
                numbers = await asyncio.to_thread(self._database.insert, [body for body, _ in batch])
                for (_, future), number in zip(batch, numbers, strict=True):
                    future.set_result(number)


async def main() -> None:
    """Serve until killed."""
    where = sys.argv[1]
    database = Postgresql(where) if where.startswith("postgresql") else Sqlite(where)
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    bare = Bare(database)
    metadata_service_pb2_grpc.add_MetadataServiceServicer_to_server(bare, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    writer = asyncio.create_task(bare.commit())
    print(f"serving on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()
    writer.cancel()


uvloop.run(main())
