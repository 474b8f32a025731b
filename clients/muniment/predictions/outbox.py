"""Messages that are packed and not acknowledged, numbered as the sender's."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

from muniment.v1 import ledger_service_pb2 as pb

IDLE_SECONDS = 10.0
"""A call without anything to send is ended; the next message opens another. Servers end silent calls too."""


class Outbox:
    """Holds messages until they are acknowledged, in order."""

    def __init__(self, parent: str) -> None:
        self._parent = parent
        self._changed = threading.Condition()
        self._sender = uuid.uuid4().hex
        self._messages: dict[int, list[bytes]] = {}
        self._next = 1
        self._hurried = False
        self._closed = False

    def add(self, predictions: list[bytes]) -> None:
        """Let a message of serialized predictions be sent."""
        with self._changed:
            self._messages[self._next] = predictions
            self._next += 1
            self._changed.notify_all()

    def wait(self) -> bool:
        """Wait until there is something to send; False: the outbox was closed and is empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self._closed)
            return bool(self._messages)

    def pause(self, seconds: float) -> None:
        """Wait for some time, or until the outbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed, seconds)

    def close(self) -> None:
        """Nothing more is added."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def hurry(self, hurried: bool) -> None:
        """Whether somebody waits: calls then end once all is sent, which has servers seal at once."""
        with self._changed:
            self._hurried = hurried
            self._changed.notify_all()

    def abandon(self) -> None:
        """Forget what waits."""
        with self._changed:
            self._messages.clear()
            self._closed = True
            self._changed.notify_all()

    def acknowledge(self, sequence: int) -> int:
        """Let go of messages up to one; how many predictions they hold."""
        count = 0
        with self._changed:
            while self._messages and (first := next(iter(self._messages))) <= sequence:
                count += len(self._messages.pop(first))
        return count

    def begin_anew(self) -> None:
        """Become another sender, with what waits as its first messages."""
        with self._changed:
            self._sender = uuid.uuid4().hex
            waiting = list(self._messages.values())
            self._messages = dict(enumerate(waiting, 1))
            self._next = len(waiting) + 1

    def feed(self) -> Feed:
        """The messages for a new call: those not acknowledged, then further ones as they come."""
        with self._changed:
            first = next(iter(self._messages), self._next)
            return Feed(self, first)

    def message(self, feed: Feed, sequence: int) -> pb.RecordPredictionsRequest | None:
        """Wait for a message; None: the call has nothing more to send."""
        with self._changed:
            self._changed.wait_for(
                lambda: feed.is_over or self._closed or self._hurried or sequence in self._messages,
                IDLE_SECONDS,
            )
            predictions = None if feed.is_over else self._messages.get(sequence)
            if predictions is None:
                return None
            return pb.RecordPredictionsRequest(
                parent=self._parent if feed.is_first(sequence) else "",
                sender=self._sender if feed.is_first(sequence) else "",
                sequence=sequence,
                predictions=predictions,
            )

    def end(self, feed: Feed) -> None:
        """Let a feed send nothing more: its call is over."""
        with self._changed:
            feed.is_over = True
            self._changed.notify_all()


class Feed:
    """What one call sends."""

    def __init__(self, outbox: Outbox, first: int) -> None:
        self._outbox = outbox
        self._first = first
        self.is_over = False

    def is_first(self, sequence: int) -> bool:
        """Whether the message opens the call, and so tells whose it is."""
        return sequence == self._first

    def __iter__(self) -> Iterator[pb.RecordPredictionsRequest]:
        sequence = self._first
        while (message := self._outbox.message(self, sequence)) is not None:
            yield message
            sequence += 1
