"""Gathers what senders sent and seals it: a body in the blob store, then one transaction with one ledger entry.

Messages of one project and principal are gathered for at most half a second or until they hold 4,096
predictions; one batch after the other is sealed, so a sender's messages are sealed in their order. A message is
acknowledged when its batch is durable, and not before.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from muniment_core.db.prediction_store import BatchRecord, SenderKey, VersionShare
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import FrameOutOfOrder
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.merkle import Frontier, leaf_hash
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.body import pack_body
from muniment_metadata.predictions.record import PredictionRecord

MAX_BATCH_RECORDS = 4_096
MAX_BATCH_BYTES = 4 * 1024 * 1024
GATHER_SECONDS = 0.5
MAX_VERSIONS = 256
"""Most versions in one batch: they are named in its ledger entry, which holds at most 64 KiB."""


class BodyStore(Protocol):
    """Keeps the bodies of batches by digest. Calls wait: they belong on the I/O pool."""

    def put(self, data: bytes) -> str:
        """Make a body durable; its digest."""

    def get(self, digest: str, size: int) -> bytes:
        """Read a body.

        Raises:
            BytesDamaged: if it is gone or changed.
        """

    def drop(self, digest: str) -> None:
        """Remove a body; fine when it is gone."""


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A checked message of a sender.

    Attributes:
        version_ids: keys of the versions its predictions name, by resource name.
        sealed: ends with the revision of the batch that holds it.
    """

    sender: SenderKey
    sequence: int
    records: Sequence[PredictionRecord]
    version_ids: Mapping[str, int]
    sealed: asyncio.Future[int]

    @property
    def byte_count(self) -> int:
        """Size of its predictions."""
        return sum(len(record.data) for record in self.records)


class SenderMoved(Exception):
    """Another call, perhaps to another replica, sealed messages of the same sender meanwhile."""


@dataclass(slots=True)
class _Line:
    """The messages of one project and principal that wait."""

    project: str
    messages: deque[SentMessage] = field(default_factory=deque)
    waiting_records: int = 0
    full: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def add(self, message: SentMessage) -> None:
        self.messages.append(message)
        self.waiting_records += len(message.records)
        if self.waiting_records >= MAX_BATCH_RECORDS:
            self.full.set()

    def take(self) -> list[SentMessage]:
        """The oldest messages that fit in one batch, at least one."""
        taken: list[SentMessage] = []
        records = byte_count = 0
        versions: set[str] = set()
        while self.messages:
            message = self.messages[0]
            records += len(message.records)
            byte_count += message.byte_count
            versions.update(message.version_ids)
            if taken and (
                records > MAX_BATCH_RECORDS or byte_count > MAX_BATCH_BYTES or len(versions) > MAX_VERSIONS
            ):
                break
            taken.append(self.messages.popleft())
            self.waiting_records -= len(message.records)
        if self.waiting_records < MAX_BATCH_RECORDS:
            self.full.clear()
        return taken


class Sealer:
    """Seals the messages of all senders of this process."""

    def __init__(self, execution: Execution, bodies: BodyStore) -> None:
        self._execution = execution
        self._bodies = bodies
        self._lines: dict[tuple[int, str], _Line] = {}

    def add(self, project: str, message: SentMessage) -> None:
        """Let a message be sealed after the sender's earlier ones; its future tells the outcome."""
        key = (message.sender.project_id, message.sender.principal)
        line = self._lines.setdefault(key, _Line(project))
        line.add(message)
        if line.task is None:
            line.task = asyncio.create_task(self._work(key, line))

    async def close(self) -> None:
        """Seal what waits."""
        for line in list(self._lines.values()):
            line.full.set()
        await asyncio.gather(*(line.task for line in self._lines.values() if line.task is not None))

    async def _work(self, key: tuple[int, str], line: _Line) -> None:
        while line.messages:
            with suppress(TimeoutError):
                await asyncio.wait_for(line.full.wait(), GATHER_SECONDS)
            batch = line.take()
            try:
                await self._seal_fresh(line.project, key[1], batch)
            except Exception as error:  # noqa: BLE001 - every sender is told
                for message in batch:
                    if not message.sealed.done():
                        message.sealed.set_exception(error)
        del self._lines[key]

    async def _seal_fresh(self, project: str, actor: str, messages: list[SentMessage]) -> None:
        """Seal those messages that are not sealed already; acknowledge all."""
        while True:
            messages = await self._execution.read(partial(_fresh, messages))
            if not messages:
                return
            try:
                revision = await self._seal(project, actor, messages)
            except SenderMoved:
                continue
            for message in messages:
                _acknowledge(message, revision)
            return

    async def _seal(self, project: str, actor: str, messages: Sequence[SentMessage]) -> int:
        root, digest, size = await self._execution.io(partial(self._store_body, messages))
        return await self._execution.record(
            partial(_seal_in, project, messages, root=root, body_digest=digest, body_bytes=size), actor=actor
        )

    def _store_body(self, messages: Sequence[SentMessage]) -> tuple[bytes, str, int]:
        records = [record.data for message in messages for record in message.records]
        tree, _nodes = Frontier().append([leaf_hash(record) for record in records])
        body = pack_body(records)
        return tree.root, self._bodies.put(body), len(body)


def _fresh(messages: Sequence[SentMessage], reader: Reader) -> list[SentMessage]:
    """The messages no batch holds yet; those that one holds are acknowledged.

    A message whose predecessor failed is refused: its sender repeats both.
    """
    sealed: dict[SenderKey, tuple[int, int]] = {}
    fresh = []
    for message in messages:
        key = message.sender
        sequence, revision = sealed.setdefault(key, reader.predictions.sealed(key))
        if message.sequence <= sequence and revision:
            _acknowledge(message, revision)
        elif message.sequence == sequence + 1:
            fresh.append(message)
            sealed[key] = (message.sequence, 0)
        elif not message.sealed.done():
            message.sealed.set_exception(FrameOutOfOrder(sequence + 1, message.sequence))
    return fresh


def _acknowledge(message: SentMessage, revision: int) -> None:
    if not message.sealed.done():
        message.sealed.set_result(revision)


def _seal_in(
    project: str,
    messages: Sequence[SentMessage],
    unit: UnitOfWork,
    *,
    root: bytes,
    body_digest: str,
    body_bytes: int,
) -> int:
    """Seal a batch whose body is durable.

    Raises:
        SenderMoved: if a message of it, or the one before it, is not where the sender stands.
    """
    senders: dict[SenderKey, int] = {}
    for message in messages:
        before = senders.get(message.sender) or unit.predictions.sealed(message.sender)[0]
        if message.sequence != before + 1:
            raise SenderMoved
        senders[message.sender] = message.sequence
    version_ids: dict[str, int] = {}
    times: dict[str, list[datetime]] = defaultdict(list)
    for message in messages:
        version_ids.update(message.version_ids)
        for record in message.records:
            times[record.version].append(record.time)
    shares = {
        version_ids[version]: VersionShare(len(made), min(made), max(made)) for version, made in times.items()
    }
    unit.predictions.seal(
        BatchRecord(
            revision=unit.revision,
            project_id=messages[0].sender.project_id,
            count=sum(share.count for share in shares.values()),
            root_hash=root,
            body_digest=body_digest,
            body_bytes=body_bytes,
            first_time=min(share.first_time for share in shares.values()),
            last_time=max(share.last_time for share in shares.values()),
            seal_time=unit.now,
        ),
        id_hashes=(record.id_hash for message in messages for record in message.records),
        shares=shares,
        senders=senders,
    )
    unit.record(
        EntryDraft(
            type="predictions.sealed",
            project=project,
            digest=body_digest,
            data={
                "count": sum(len(made) for made in times.values()),
                "root": root.hex(),
                "versions": {version: len(made) for version, made in sorted(times.items())},
            },
        )
    )
    return unit.revision
