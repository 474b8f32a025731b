"""Chunks straight from the store of the registry, where it gives addresses for them.

An address is of one chunk and short-lived. What comes is compared with the chunk's digest before it is written
anywhere. Whatever goes wrong, be it a name that is not found, a certificate, a refusal, a hang-up, a long wait or
wrong bytes, is no failure of the download: it ends the use of addresses for this download, and the registry sends
the rest.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable
from http.client import HTTPException

from muniment.errors import Internal, MunimentError
from muniment.file_parts import Part
from muniment.registry.session import Session
from muniment.transfer.store_connection import StoreConnection
from muniment.v1 import artifact_service_pb2 as pb

ADDRESSES = 250
"""Asked for at once: half a gigabyte of chunks, which arrives before the addresses expire."""

WORTHWHILE_BYTES = 1024 * 1024
"""For less, asking for addresses costs more than they save."""

MOST_BYTES = 16 * 1024 * 1024
"""A chunk is in memory as a whole until its digest is known, and its size is what the registry says. One that is
larger than any of ours comes from the registry, in frames."""

_log = logging.getLogger(__name__)


class DirectReads:
    """Whether chunks of one manifest are got directly. Shared by the lanes of a download."""

    def __init__(self, session: Session, project: str, digest: str, *, total: int) -> None:
        self._session = session
        self._project = project
        self._digest = digest
        self._usable = session.gives_addresses and total >= WORTHWHILE_BYTES
        self._lock = threading.Lock()

    @property
    def usable(self) -> bool:
        """Whether it is worth asking."""
        return self._usable

    def lane(self) -> DirectLane:
        """What one thread gets chunks with."""
        return DirectLane(self, StoreConnection(self._session.calls.ca_file))

    def addresses(self, digests: Iterable[str]) -> dict[str, str]:
        """Addresses of chunks, by digest; none if the registry gives none."""
        request = pb.GetDirectReadsRequest(parent=self._project, digest=self._digest, chunks=digests)
        try:
            answer: pb.GetDirectReadsResponse = self._session.calls.unary(
                self._session.artifacts.GetDirectReads, request
            )
        except MunimentError as error:
            # A registry may never have heard of it. If it is more than that, the stream will say so.
            self._session.gives_addresses = not isinstance(error, Internal)
            self.give_up(f"no addresses were given: {error.message}")
            return {}
        if not answer.reads:
            self._session.gives_addresses = False
            self._usable = False
        return {read.chunk: read.url for read in answer.reads}

    def give_up(self, why: str) -> None:
        """Let the registry send the rest."""
        with self._lock:
            told, self._usable = not self._usable, False
        if not told:
            _log.info("bytes come from the registry instead of from its store: %s", why)


class DirectLane:
    """Gets chunks one after the other, on one connection as far as that is possible."""

    def __init__(self, reads: DirectReads, connection: StoreConnection) -> None:
        self._reads = reads
        self._addresses: dict[str, str] = {}
        self._connection = connection
        self._cancelled = False

    def get(self, part: Part, following: Iterable[str]) -> memoryview | None:
        """The bytes of a chunk, right ones; None if they are to come from the registry.

        Args:
            following: digests of the chunks that will be asked for, this one first.
        """
        if not self._reads.usable or part.size > MOST_BYTES:
            return None
        if part.digest not in self._addresses:
            self._addresses = self._reads.addresses(following)
        address = self._addresses.get(part.digest)
        if address is None:
            return None
        try:
            data = self._connection.get(address, part.size)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            if not self._cancelled:
                self._reads.give_up(f"{type(error).__name__}: {error}")
            return None
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != part.digest:
            self._reads.give_up(f"the bytes of {part.digest} are not right")
            return None
        return data

    def cancel(self) -> None:
        """Get nothing more; from any thread."""
        self._cancelled = True
        self._connection.cancel()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
