"""Messages of senders on their way into a batch, and the line in which they wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from muniment_core.domain.prediction import SenderKey, Share, ShareKey

from muniment_metadata.predictions.record import CheckedPredictions

MAX_BATCH_RECORDS = 4_096
MAX_BATCH_BYTES = 4 * 1024 * 1024
MAX_VERSIONS = 128
"""Most versions in one batch: they are named in its ledger entry, which holds at most 64 KiB."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A checked message of a sender.

    Attributes:
        version_ids: keys of the versions its predictions name, by resource name.
        sealed: ends with the revision of the batch that holds it.
    """

    sender: SenderKey
    sequence: int
    predictions: CheckedPredictions
    version_ids: Mapping[str, int]
    sealed: asyncio.Future[int]

    @property
    def count(self) -> int:
        """How many predictions it holds."""
        return len(self.predictions.records)

    @property
    def shares(self) -> dict[ShareKey, Share]:
        """How many of them were made when, by version."""
        return {
            ShareKey(self.version_ids[version], hour): share
            for (version, hour), share in self.predictions.shares.items()
        }

    def acknowledge(self, revision: int) -> None:
        """Tell the sender that it is sealed."""
        if not self.sealed.done():
            self.sealed.set_result(revision)

    def refuse(self, error: Exception) -> None:
        """Tell the sender why it is not."""
        if not self.sealed.done():
            self.sealed.set_exception(error)


@dataclass(slots=True)
class Line:
    """The messages of one project and principal that wait.

    Attributes:
        full: set while there is enough for a batch.
        task: seals them.
    """

    project: str
    messages: deque[SentMessage] = field(default_factory=deque)
    waiting: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def add(self, message: SentMessage) -> None:
        """Let a message wait."""
        self.messages.append(message)
        self.waiting += message.count
        if self.waiting >= MAX_BATCH_RECORDS:
            self.full.set()

    def take(self) -> list[SentMessage]:
        """The oldest messages that fit in one batch, at least one."""
        taken: list[SentMessage] = []
        records = byte_count = 0
        versions: set[str] = set()
        while self.messages:
            message = self.messages[0]
            records += message.count
            byte_count += message.predictions.byte_count
            versions.update(message.version_ids)
            too_much = (
                records > MAX_BATCH_RECORDS or byte_count > MAX_BATCH_BYTES or len(versions) > MAX_VERSIONS
            )
            if taken and too_much:
                break
            taken.append(self.messages.popleft())
            self.waiting -= message.count
        if self.waiting < MAX_BATCH_RECORDS:
            self.full.clear()
        return taken
