"""A connection to the store behind a registry, by HTTP. Every answer has a deadline, and any thread may end it."""

from __future__ import annotations

import math
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from muniment.transport.channel import SYSTEM

STILL_SECONDS = 5.0
"""How long nothing may come. A store that is well answers within a second, and the registry has the same bytes."""

LEAST_BYTES_PER_SECOND = 256 * 1024
"""How fast bytes must come after that."""

LOOK_SECONDS = 0.25

_OK = 200


class StoreConnection:
    """Gets objects one after the other, on one connection as far as that is possible."""

    def __init__(self, ca_file: Path | None) -> None:
        """Nothing is sent yet.

        Args:
            ca_file: PEM file of an authority that is trusted beside those of this machine.
        """
        self._ca_file = ca_file
        self._connection: HTTPConnection | None = None
        self._origin = ("", "")
        self._deadline = math.inf
        self._ended = threading.Event()
        self._watching = False

    def get(self, address: str, size: int) -> memoryview:
        """The bytes of an object.

        Args:
            address: where it is.
            size: how many bytes it must have.

        Raises:
            OSError: if the store cannot be reached, does not answer in time, or the connection was ended.
            HTTPException: if it answers something else.
            ValueError: if the address is not one.
        """
        patience = STILL_SECONDS + size / LEAST_BYTES_PER_SECOND
        self._deadline = time.monotonic() + patience
        self._watch()
        try:
            return self._got(address, size)
        except (OSError, HTTPException, ValueError) as error:
            if time.monotonic() > self._deadline and not self._ended.is_set():
                raise TimeoutError(f"{size} bytes took longer than {patience:.0f} s") from error
            raise
        finally:
            self._deadline = math.inf

    def cancel(self) -> None:
        """End whatever goes on, for good; from any thread."""
        self._ended.set()
        self._cut()

    def close(self) -> None:
        """Close the connection. Closing twice is fine."""
        self._ended.set()
        self._forget()

    def _got(self, address: str, size: int) -> memoryview:
        parts = urlsplit(address)
        connection = self._connected(parts.scheme, parts.netloc)
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        if answer.status != _OK or answer.length != size:
            raise HTTPException(f"the store answers {answer.status} with {answer.length} bytes of {size}")
        return _read(answer, size)

    def _connected(self, scheme: str, netloc: str) -> HTTPConnection:
        if self._connection is None or self._origin != (scheme, netloc):
            self._forget()
            self._connection, self._origin = self._connection_to(scheme, netloc), (scheme, netloc)
            self._connection.connect()
        # Before there was a socket, nobody could cut it.
        if self._ended.is_set():
            raise ConnectionAbortedError("the connection to the store was ended")
        return self._connection

    def _connection_to(self, scheme: str, netloc: str) -> HTTPConnection:
        if scheme == "http":
            return HTTPConnection(netloc, timeout=STILL_SECONDS)
        if scheme != "https":
            raise ValueError(f"{scheme[:20]!r} is no way to get bytes")
        # The store may be a public service, or have a certificate of the same authority as the registry.
        context = ssl.create_default_context()
        if self._ca_file is not None and self._ca_file != SYSTEM:
            context.load_verify_locations(self._ca_file)
        return HTTPSConnection(netloc, timeout=STILL_SECONDS, context=context)

    def _watch(self) -> None:
        if not self._watching:
            self._watching = True
            threading.Thread(target=self._look_after, name="muniment-watchdog", daemon=True).start()

    def _look_after(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            if time.monotonic() > self._deadline:
                self._cut()

    def _cut(self) -> None:
        """Let whoever waits for the socket find that it ended."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with suppress(OSError):
                # That of TLS sockets would also take away what another thread is reading with.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _read(answer: HTTPResponse, size: int) -> memoryview:
    data = memoryview(bytearray(size))
    done = 0
    while done < size:
        count = answer.readinto(data[done:])
        if not count:
            raise HTTPException(f"the answer ended after {done} of {size} bytes")
        done += count
    # Only an answer that was read to its end lets the connection be used again.
    answer.read()
    return data
