"""Brings messages to the registry, however often it takes: one call after the other, in one background thread."""

from __future__ import annotations

import random
from collections.abc import Callable

from muniment.errors import (
    DeadlineExceeded,
    Internal,
    LimitExceeded,
    MunimentError,
    SequenceBroken,
    StorageFull,
    Unavailable,
)
from muniment.predictions.buffer import Buffer
from muniment.predictions.outbox import Outbox
from muniment.transport.calls import Calls
from muniment.v1 import ledger_service_pb2_grpc

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

_PASSING = (Unavailable, DeadlineExceeded, StorageFull, Internal)
"""What may be over in a moment: the same messages are sent again, for as long as there is room to wait."""


class Courier:
    """Sends what is in an outbox."""

    def __init__(self, buffer: Buffer, outbox: Outbox, connect: Callable[[], Calls]) -> None:
        self._buffer = buffer
        self._outbox = outbox
        self._connect = connect
        self._calls: Calls | None = None

    @property
    def calls(self) -> Calls | None:
        """The connection, once there is one."""
        return self._calls

    def run(self) -> None:
        """Send until the outbox is closed and everything in it acknowledged, or nothing more can be kept."""
        pause = FIRST_PAUSE_SECONDS
        try:
            self._calls = self._connect()
            while self._outbox.wait():
                progress, trouble = self._call(self._calls)
                if progress:
                    pause = FIRST_PAUSE_SECONDS
                elif trouble is None:
                    trouble = Internal("the registry ended the call without an acknowledgement")
                if isinstance(trouble, SequenceBroken):
                    self._outbox.begin_anew()
                elif trouble is not None and not _is_passing(trouble):
                    self._give_up(trouble)
                    return
                if trouble is not None and not _is_silence(trouble):
                    self._outbox.pause(pause * random.uniform(0.5, 1.0))
                    pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        except MunimentError as error:
            self._give_up(error)
        finally:
            if self._calls is not None:
                self._calls.close()

    def _call(self, calls: Calls) -> tuple[bool, MunimentError | None]:
        """Send over one call; whether anything was acknowledged, and what ended it, if it is not done."""
        feed = self._outbox.feed()
        stub = ledger_service_pb2_grpc.LedgerServiceStub(calls.channel)
        progress = False
        try:
            stream = calls.stream(stub.RecordPredictions, iter(feed))
            for response in stream:
                progress = True
                self._buffer.acknowledge(self._outbox.acknowledge(response.sequence))
        except MunimentError as error:
            return progress, error
        finally:
            self._outbox.end(feed)
        return progress, None

    def _give_up(self, error: MunimentError) -> None:
        self._buffer.fail(error)
        self._outbox.abandon()


def _is_passing(trouble: MunimentError) -> bool:
    return isinstance(trouble, _PASSING) or _is_silence(trouble)


def _is_silence(trouble: MunimentError) -> bool:
    """Whether the server ended a call because nothing came: the next message opens another."""
    return isinstance(trouble, LimitExceeded) and trouble.metadata.get("field") == "stream"
