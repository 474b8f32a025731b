"""The server's side of a worker: starts it, hands it the ranges it asks for, and does not wait for ever."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate

from muniment.digests import Digest
from muniment_core.db.artifact_store import Chunk

from muniment_artifact.blobs import BlobStore
from muniment_artifact.blobs.whole import get_blob
from muniment_artifact.inspection import exchange
from muniment_artifact.inspection.report import FileReport, Format, InvalidReport

_KEPT_CHUNKS = 2
"""A zip archive is read at its end and at one more place; a chunk has at most 16 MiB."""
_SPARE_READS = 256 * 1024 * 1024
_START_SECONDS = 120.0
_KEPT_VARIABLES = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""What an interpreter may need to find its own libraries."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What looking into one file may take.

    Attributes:
        memory_bytes: address space of the process.
        cpu_seconds: of processor time, kept by the kernel.
        wait_seconds: that the server waits for the process, the time for reading from the store not counted. A
            loaded machine takes many times the processor time.
        rereads: how often the whole file may be read.
    """

    memory_bytes: int = 1024 * 1024 * 1024
    cpu_seconds: int = 120
    wait_seconds: float = 900.0
    rereads: int = 8


class FileBytes:
    """Ranges of a file, out of whole chunks whose digests were verified: a verdict is about no other bytes."""

    def __init__(self, blobs: BlobStore, chunks: Sequence[Chunk]) -> None:
        self._blobs = blobs
        self._chunks = chunks
        self._starts = [0, *accumulate(chunk.size for chunk in chunks)]
        self._kept: OrderedDict[Digest, bytes] = OrderedDict()

    def read(self, offset: int, length: int) -> bytes:
        """The range, as far as the file has it.

        Raises:
            BytesDamaged: if a chunk is gone or wrong.
        """
        pieces = []
        while length > 0 and offset < self._starts[-1]:
            index = bisect_right(self._starts, offset) - 1
            start = offset - self._starts[index]
            piece = self._chunk(self._chunks[index])[start : start + length]
            pieces.append(piece)
            offset += len(piece)
            length -= len(piece)
        return b"".join(pieces)

    def _chunk(self, chunk: Chunk) -> bytes:
        data = self._kept.pop(chunk.digest, None)
        if data is None:
            data = get_blob(self._blobs, chunk.digest, chunk.size)
        self._kept[chunk.digest] = data
        if len(self._kept) > _KEPT_CHUNKS:
            self._kept.popitem(last=False)
        return data


class WorkerEnded(RuntimeError):
    """The worker was ended from outside, or never began."""


class Worker:
    """A process that judges one file after the other, started when the first one comes; for one thread."""

    def __init__(self, limits: WorkerLimits) -> None:
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None
        self._ending = threading.Lock()
        self._is_closed = False

    def judge(self, read: Callable[[int, int], bytes], size: int) -> FileReport:
        """The report on a file; one that says why there is no other, if the worker fails over it.

        Args:
            read: gives a range of the file, by offset and length.
            size: of the file in bytes.

        Raises:
            WorkerEnded: if the worker was closed meanwhile, or cannot be started.
            DomainError: what ``read`` raises.
        """
        connection = self._connection or self._start()
        try:
            return self._converse(connection, read, size)
        except (exchange.BrokenExchange, InvalidReport, OSError) as error:
            if self._is_closed:
                raise WorkerEnded("the worker was ended") from error
            why = self._why(error)
            _log.warning("a worker failed over a file of %d bytes: %s (%s)", size, why, error)
            return FileReport(format=Format.UNKNOWN, fault=why)
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """End the process; from any thread, at any time."""
        self._is_closed = True
        with self._ending:
            if self._process is not None:
                self._process.kill()

    def release(self) -> None:
        """End the process and let go of it; by the thread that used it."""
        self._is_closed = True
        self._stop()

    def _start(self) -> socket.socket:
        limits = (str(self._limits.memory_bytes), str(self._limits.cpu_seconds))
        module = "muniment_artifact.inspection.worker"
        with self._ending:
            if self._is_closed:
                raise WorkerEnded("the worker was ended")
            ours, theirs = socket.socketpair()
            with theirs:
                # It is told nothing of the server's settings, some of which are secrets.
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-B", "-m", module, str(theirs.fileno()), *limits],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
                    cwd=os.sep,
                )
            self._connection = ours
        try:
            ours.settimeout(_START_SECONDS)
            kind, told = exchange.receive(ours, most=1_024)
        except (exchange.BrokenExchange, OSError) as error:
            self._stop()
            raise WorkerEnded("the worker did not start") from error
        if kind != exchange.HELLO:
            self._stop()
            raise WorkerEnded(f"the worker is not confined: {told.decode('utf-8', 'replace')[:200]}")
        _log.info("a worker looks into files: %s", told.decode("ascii", "replace"))
        return ours

    def _converse(
        self, connection: socket.socket, read: Callable[[int, int], bytes], size: int
    ) -> FileReport:
        patience = self._limits.wait_seconds
        readable = size * self._limits.rereads + _SPARE_READS
        connection.settimeout(patience)
        exchange.send(connection, exchange.FILE, exchange.pack_size(size))
        while True:
            asked = time.monotonic()
            connection.settimeout(max(patience, 0.001))
            kind, data = exchange.receive(connection, most=exchange.MAX_REPORT)
            patience -= time.monotonic() - asked
            if kind in (exchange.REPORT, exchange.LAST):
                report = FileReport.from_json(data)
                if kind == exchange.LAST:
                    self._stop()
                return report
            if kind != exchange.READ:
                raise exchange.BrokenExchange(f"the worker says {kind!r}")
            offset, length = exchange.unpack_range(data)
            readable -= length
            if readable < 0:
                raise exchange.BrokenExchange("the worker reads the file again and again")
            exchange.send(connection, exchange.DATA, read(offset, length))

    def _why(self, error: Exception) -> str:
        """Ends the process, and says in a sentence what was wrong with it."""
        process, code = self._process, None
        if process is not None and isinstance(error, (exchange.OtherSideGone, ConnectionError)):
            # Its end may be a moment behind the end of its socket.
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(_START_SECONDS)
        self._stop()
        if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
            return "looking into it takes longer than is given"
        if code == -signal.SIGKILL:
            return "the process that looked into it was killed, as the system does when memory runs out"
        return "the process that looked into it failed" + (f" with code {code}" if code is not None else "")

    def _stop(self) -> None:
        with self._ending:
            process, connection = self._process, self._connection
            self._process = self._connection = None
        if connection is not None:
            connection.close()
        if process is not None:
            process.kill()
            process.wait()
