"""The same load on the peer's REST interface, over kept connections and with as little of a client as will do.

Reads from standard input: host, port, method (resolve or register), connections, seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import uvloop

PATH = "/api/2.0/mlflow"
ALIAS = f"{PATH}/registered-models/alias?name=m&alias=production"
RESOLVE = f"GET {ALIAS} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def post(path: str, body: dict[str, Any]) -> bytes:
    """A POST request, ready to be sent."""
    content = json.dumps(body).encode()
    head = (
        f"POST {PATH}/{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


REGISTER = post(
    "model-versions/create",
    {
        "name": "m",
        "source": "s3://models/m",
        "tags": [{"key": "f1", "value": "0.9"}, {"key": "depth", "value": "6"}],
    },
)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> None:
    """One exchange; anything but success ends the load."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(f"{head!r} {body[:500]!r}")


async def main() -> None:
    """Make calls for so long, and tell how many were answered in what time."""
    spec = json.load(sys.stdin)
    request = {"resolve": RESOLVE, "register": REGISTER}[spec["method"]]
    times: list[float] = []
    end = time.perf_counter() + spec["seconds"]

    async def call_on() -> None:
        reader, writer = await asyncio.open_connection(spec["host"], spec["port"])
        while time.perf_counter() < end:
            began = time.perf_counter()
            await ask(reader, writer, request)
            times.append(time.perf_counter() - began)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(call_on() for _ in range(spec["connections"])))
    seconds = time.perf_counter() - began
    times.sort()
    print(json.dumps({"answered": len(times), "seconds": seconds, "p50_ms": times[len(times) // 2] * 1000}))


uvloop.run(main())
