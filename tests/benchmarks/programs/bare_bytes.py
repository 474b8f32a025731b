"""The bare stack for bytes: one stream of frames each way, sha256 on both ends, and a file that is synchronised.

``python bare_bytes.py DIRECTORY`` serves ``/bare/put``, which writes what comes, ``/bare/put_named``, which hashes
each frame by itself as well, as whoever names chunks must, and ``/bare/get``, which sends the file that is asked
for.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

FRAME = 1024 * 1024


def named(frame: bytes) -> bytes:
    """The frame, after its own digest was found."""
    hashlib.sha256(frame).digest()
    return frame


class Handler(grpc.GenericRpcHandler):
    """Takes and gives bytes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def service(self, details: grpc.HandlerCallDetails) -> Any:
        if details.method == "/bare/put":
            return grpc.stream_unary_rpc_method_handler(self._put)
        if details.method == "/bare/put_named":
            return grpc.stream_unary_rpc_method_handler(self._put_named)
        return grpc.unary_stream_rpc_method_handler(self._get)

    def _put(self, frames: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        whole = hashlib.sha256()
        with (self._directory / "bare.bin").open("wb", buffering=0) as file:
            for frame in frames:
                whole.update(frame)
                file.write(frame)
            os.fsync(file.fileno())
        return whole.digest()

    def _put_named(self, frames: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        return self._put(map(named, frames), context)

    def _get(self, name: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
        whole = hashlib.sha256()
        with (self._directory / name.decode()).open("rb", buffering=0) as file:
            while frame := file.read(FRAME):
                whole.update(frame)
                yield frame


if __name__ == "__main__":
    server = grpc.server(ThreadPoolExecutor(4), options=(("grpc.so_reuseport", 0),))
    server.add_generic_rpc_handlers((Handler(Path(sys.argv[1])),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(f"serving on 127.0.0.1:{port}", flush=True)
    server.wait_for_termination()
