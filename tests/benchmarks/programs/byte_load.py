"""Moves bytes once, as a client of ours, of the bare stack or of the peer, and tells what that took. Prints JSON.

Reads from standard input: kind (ours, bare, named, peer), verb (push, pull), address, token, model, path. A push
reads the files of the directory ``path``; a pull makes that directory.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import muniment
from cpu_split import CpuSplit
from muniment import digests
from muniment.transfer import arriving, chunking, hashing

FRAME = 1024 * 1024
PEER_CONNECTIONS = 4
PEER_BLOCK = 64 * 1024
"""What the peer is fastest with; frames of 1 MiB cost it a fifth of its pushes."""
SPLIT = CpuSplit()


def ours(spec: dict[str, Any]) -> Callable[[], object]:
    """A transfer by the SDK, on a connection that was used before."""
    SPLIT.wrap_hashing("hash", hashing, digests, arriving)
    SPLIT.wrap("cut", chunking._Reader, "_cut")
    SPLIT.wrap("read", chunking._Reader, "_fill")
    SPLIT.wrap("write", arriving.ArrivingFile, "write", "_opened")
    registry = muniment.connect(spec["address"], token=spec["token"])
    registry.whoami()
    if spec["verb"] == "push":
        return lambda: registry.push(spec["model"], spec["path"], progress=False)
    return lambda: registry.pull(spec["model"], spec["path"], progress=False)


def bare(spec: dict[str, Any]) -> Callable[[], object]:
    """The same bytes as one stream, hashed and synchronised; a named one has each frame hashed by itself, too."""
    is_named = spec["kind"] == "named"
    channel = grpc.insecure_channel(spec["address"])
    grpc.channel_ready_future(channel).result()
    put, get = (
        channel.stream_unary("/bare/put_named" if is_named else "/bare/put"),
        channel.unary_stream("/bare/get"),
    )
    path = Path(spec["path"])

    def push() -> None:
        whole = hashlib.sha256()

        def frames() -> Iterator[bytes]:
            for each in sorted(path.iterdir()):
                with each.open("rb", buffering=0) as file:
                    while frame := file.read(FRAME):
                        if is_named:
                            hashlib.sha256(frame).digest()
                        whole.update(frame)
                        yield frame

        assert put(frames()) == whole.digest()

    def pull() -> None:
        whole = hashlib.sha256()
        path.mkdir()
        with (path / "bare").open("wb", buffering=0) as file:
            for frame in get(b"bare.bin"):
                whole.update(frame)
                file.write(frame)
            os.fsync(file.fileno())

    return push if spec["verb"] == "push" else pull


def peer(spec: dict[str, Any]) -> Callable[[], object]:
    """The files through the peer's proxied artifacts, over kept connections and with as little of a client as will
    do; nothing is hashed."""
    path = Path(spec["path"])
    prefix = f"/api/2.0/mlflow-artifacts/artifacts/{spec['model']}"
    connections = [
        http.client.HTTPConnection(spec["address"], timeout=600, blocksize=PEER_BLOCK)
        for _ in range(PEER_CONNECTIONS)
    ]

    def put(connection: http.client.HTTPConnection, file: Path) -> None:
        with file.open("rb") as body:
            headers = {
                "Content-Length": str(file.stat().st_size),
                "Content-Type": "application/octet-stream",
            }
            connection.request("PUT", f"{prefix}/{file.name}", body, headers)
            answer = connection.getresponse()
            text = answer.read()
        assert answer.status == 200, text[:500]

    def get(connection: http.client.HTTPConnection, name: str) -> None:
        connection.request("GET", f"{prefix}/{name}")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read(500)
        with (path / name).open("wb", buffering=0) as file:
            while block := answer.read(PEER_BLOCK):
                file.write(block)

    def on_all(work: Callable[[http.client.HTTPConnection, Any], None], items: list[Any]) -> None:
        def some(number: int) -> None:
            for item in items[number :: len(connections)]:
                work(connections[number], item)

        with ThreadPoolExecutor(len(connections)) as pool:
            list(pool.map(some, range(len(connections))))

    def pull() -> None:
        path.mkdir()
        on_all(get, spec["names"])

    return (lambda: on_all(put, sorted(path.iterdir()))) if spec["verb"] == "push" else pull


def main() -> None:
    """Make the transfer and tell its seconds, and the CPU seconds of this process, in parts."""
    spec = json.load(sys.stdin)
    transfer = {"ours": ours, "bare": bare, "named": bare, "peer": peer}[spec["kind"]](spec)
    before, cpu, began = SPLIT.seconds(), time.process_time(), time.perf_counter()
    transfer()
    seconds, all_cpu = time.perf_counter() - began, time.process_time() - cpu
    parts = {part: spent - before.get(part, 0.0) for part, spent in SPLIT.seconds().items()}
    print(json.dumps({"seconds": seconds, "cpu": {**parts, "all": all_cpu}}))


main()
