"""Watch: every change in order, each once, through restarts of the server."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence

from google.protobuf.duration_pb2 import Duration

from muniment.errors import DeadlineExceeded, InvalidArgument, MunimentError, RegistryClosed, Unavailable
from muniment.registry import audit
from muniment.registry.session import Session
from muniment.transport.calls import Stream
from muniment.v1 import promotion_service_pb2 as pb
from muniment.v1.ledger_service_pb2 import EntryFilter
from muniment.values import Event

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 5.0
LAST_REVISION = 2**63 - 1
PATIENCE = 5.0
"""Seconds to wait for the first message of all: a wrong address should be told, a restart should not."""
NOBODY = "nobody-" + "0" * 32
"""A name that nothing has."""
STALL = 10.0
"""Seconds beyond the heartbeat after which a silent connection counts as lost."""


class Watch:
    """An iterator of events that reconnects by itself and continues after the last revision.

    Attributes:
        revision: everything up to here was handed out, heartbeats included: store it to continue after it.
    """

    def __init__(
        self,
        session: Session,
        *,
        after: int | None,
        model: str | None,
        stage: str | None,
        types: Sequence[str],
        heartbeat: float,
    ) -> None:
        if not 1 <= heartbeat <= 600:
            raise InvalidArgument(f"heartbeat is {heartbeat:g} s, while it is 1 s to 600 s")
        if after is not None and not (isinstance(after, int) and 0 <= after <= LAST_REVISION):
            raise InvalidArgument(f"after is {after!r:.50}, while a revision is a whole number from 0")
        self._session = session
        self._project, self._filter = audit.entry_filter(
            session, model=model, stage=stage, actor=None, types=types
        )
        self._heartbeat = heartbeat
        self.revision = self._now() if after is None else after
        self._reached = self.revision
        self._pending: deque[Event] = deque()
        self._stream: Stream[pb.WatchResponse] | None = None
        self._answered = after is None
        self._started = time.monotonic()
        self._failures = 0
        self._closed = threading.Event()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        """Wait for the next event; ends after :meth:`close`.

        Raises:
            MunimentError: when reconnecting cannot help, for example for a token that was revoked.
        """
        while not self._closed.is_set():
            if self._pending:
                event = self._pending.popleft()
                self.revision = event.revision
                return event
            self.revision = self._reached
            try:
                self._read()
            except (Unavailable, DeadlineExceeded) as error:
                self._rest(error)
            except RegistryClosed:
                self.close()
            except MunimentError:
                # Whoever asks again begins a new stream, not the dead one.
                self._stream = None
                if not self._closed.is_set():
                    raise
        raise StopIteration

    def close(self) -> None:
        """End the iteration, from any thread. Closing twice is fine."""
        self._closed.set()
        stream = self._stream
        if stream is not None:
            stream.cancel()

    def _read(self) -> None:
        if self._stream is None:
            self._stream = self._open()
            # close() may have looked for the stream just before it was there.
            if self._closed.is_set():
                self._stream.cancel()
        response = next(self._stream, None)
        if response is None:
            raise Unavailable("the registry ended the stream of events")
        self._pending.extend(map(Event.of, response.entries))
        self._reached = response.revision
        self._answered = True
        self._failures = 0

    def _now(self) -> int:
        """The newest revision, as a watch is told it: reading the ledger needs a permission watchers may lack.

        Nothing matches the filter, so that the first message is a heartbeat, and finding that out is one look
        into the indexes of model and actor, however long the ledger is.
        """
        nothing = EntryFilter(model=NOBODY, actor=NOBODY)
        stream = self._follow(after=0, wanted=nothing)
        try:
            response = next(stream, None)
        finally:
            stream.cancel()
        if response is None:
            raise Unavailable("the registry ended the stream of events")
        return int(response.revision)

    def _open(self) -> Stream[pb.WatchResponse]:
        return self._follow(after=self._reached, wanted=self._filter)

    def _follow(self, *, after: int, wanted: EntryFilter) -> Stream[pb.WatchResponse]:
        heartbeat = Duration()
        heartbeat.FromMilliseconds(int(self._heartbeat * 1000))
        request = pb.WatchRequest(
            parent=self._project, after_revision=after, filter=wanted, heartbeat=heartbeat
        )
        return self._session.calls.stream(
            self._session.promotions.Watch, request, stall=self._heartbeat + STALL
        )

    def _rest(self, error: MunimentError) -> None:
        """Wait before the next attempt, longer after every failure, and not in step with other watchers."""
        self._stream = None
        if not self._answered and time.monotonic() - self._started > PATIENCE and not self._closed.is_set():
            raise error
        ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        self._closed.wait(random.uniform(ceiling / 2, ceiling))
