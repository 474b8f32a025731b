"""An S3 endpoint that fails as it is told: a proxy in front of a real server.

::

    with FaultyS3(server.endpoint) as faulty:
        faulty.choose = script([Fault.BUSY, None, Fault.RESET])
        ... S3Settings(endpoint=faulty.endpoint, ...)

Requests pass unchanged, their signatures included, for these cover the host the client named and not where the
request ends up.
"""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable, Iterable
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

_UPSTREAM_SECONDS = 60.0
_DELAY_SECONDS = 0.2
_TRICKLE_SECONDS = 0.2
_BUSY = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>reduce</Message></Error>'
_HOP = {"connection", "transfer-encoding", "date", "server"}


class Fault(StrEnum):
    """What becomes of a request."""

    BUSY = "answers 503"
    RESET = "resets the connection"
    LOST = "does what is asked and resets the connection"
    HANG = "does not answer"
    SHORT = "breaks the answer off in its middle"
    STUCK = "stops in the middle of the answer"
    TRICKLE = "answers a byte now and then"
    DELAY = "takes its time"
    WRONG = "answers other bytes"


Choose = Callable[[str, str], Fault | None]


def script(faults: Iterable[Fault | None]) -> Choose:
    """One fault for each request, in order; none for those that come afterwards."""
    remaining = iter(faults)
    lock = threading.Lock()

    def choose(_method: str, _path: str) -> Fault | None:
        with lock:
            return next(remaining, None)

    return choose


class FaultyS3:
    """The proxy.

    Attributes:
        endpoint: ``host:port`` for clients.
        choose: told method and path of each request; says what becomes of it.
        requests: how many came, and how many of them failed on purpose.
    """

    def __init__(self, target: str) -> None:
        self.choose: Choose = script([])
        self.closing = threading.Event()
        self.counted = threading.Lock()
        self.requests = 0
        self.faults = 0
        self.passing = 0
        self.passed = threading.Condition()
        self._server = _Server(self, target)
        self.endpoint = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    def __enter__(self) -> FaultyS3:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        # What was passed on is done: nothing changes in the store any more when this is over.
        with self.passed:
            assert self.passed.wait_for(lambda: not self.passing, 2 * _UPSTREAM_SECONDS)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, faulty: FaultyS3, target: str) -> None:
        self.faulty = faulty
        self.target = target
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        faulty = self.server.faulty
        fault = faulty.choose(self.command, self.path)
        with faulty.counted:
            faulty.requests += 1
            faulty.faults += fault is not None
        if fault is Fault.BUSY:
            self._answer(503, [("Content-Type", "application/xml")], _BUSY)
        elif fault is Fault.RESET:
            self._reset()
        elif fault is Fault.HANG:
            self._hang()
        else:
            if fault is Fault.DELAY:
                faulty.closing.wait(_DELAY_SECONDS)
            status, headers, data = self._ask(body)
            if fault is Fault.WRONG:
                data = bytes(byte ^ 1 for byte in data)
            if fault is Fault.LOST:
                self._reset()
            elif fault is Fault.TRICKLE:
                self._answer(status, headers, data, stop_at=0)
                self._trickle(data)
            elif fault in (Fault.SHORT, Fault.STUCK):
                self._answer(status, headers, data, stop_at=len(data) // 2)
                if fault is Fault.STUCK:
                    self._hang()
                self._reset()
            else:
                self._answer(status, headers, data)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _handle

    def log_message(self, format: str, *arguments: Any) -> None:
        """Tests look at what comes of requests, not at each of them."""

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        faulty = self.server.faulty
        with faulty.passed:
            faulty.passing += 1
        try:
            return self._passed_on(body)
        finally:
            with faulty.passed:
                faulty.passing -= 1
                faulty.passed.notify_all()

    def _passed_on(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.target, timeout=_UPSTREAM_SECONDS)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP:
                    connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            data = answer.read()
            return answer.status, answer.getheaders(), data
        finally:
            connection.close()

    def _answer(
        self, status: int, headers: list[tuple[str, str]], data: bytes, *, stop_at: int | None = None
    ) -> None:
        self.send_response_only(status)
        told = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in _HOP:
                self.send_header(name, value)
        if "content-length" not in told and status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:stop_at])

    def _trickle(self, data: bytes) -> None:
        for byte in data:
            if self.server.faulty.closing.wait(_TRICKLE_SECONDS):
                break
            self.wfile.write(bytes([byte]))
        self._reset()

    def _hang(self) -> None:
        self.server.faulty.closing.wait(_UPSTREAM_SECONDS)
        self._reset()

    def _reset(self) -> None:
        self.close_connection = True
        # No farewell: the other end finds the connection reset.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
