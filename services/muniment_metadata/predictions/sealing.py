"""What happens to a batch: its body becomes durable, then one transaction seals it with one ledger entry."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from muniment.digests import Digest
from muniment_core.db.collection_store import CollectedMeanwhile
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.errors import SequenceBroken, StorageUnavailable
from muniment_core.domain.ledger import EntryDraft, format_time
from muniment_core.domain.prediction import Batch, SenderKey, Share, ShareKey, from_microseconds
from muniment_core.domain.tiers import Shelf
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.body import pack_body
from muniment_metadata.predictions.messages import SentMessage
from muniment_metadata.predictions.tree import batch_root

SEALED = "predictions.sealed"
MAX_COLLECTED = 100
PAUSE_SECONDS = 0.05
"""A removal takes milliseconds, so a hundred pauses are enough for any that was not given up."""


class SenderMoved(Exception):
    """Another call, perhaps to another replica, sealed messages of the same sender meanwhile."""


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A body that is durable and not sealed yet.

    Attributes:
        epoch: of collection, from before it was stored.
    """

    root: bytes
    digest: str
    size: int
    epoch: int


async def seal(
    execution: Execution, bodies: BodyStore, messages: Sequence[SentMessage], *, project: str, actor: str
) -> None:
    """Seal those messages that are not sealed already, and tell every sender.

    Raises:
        DomainError: if a store does not answer; nobody was told then.
    """
    collected = 0
    while True:
        fresh, repeats, epoch = await execution.read(partial(_sort_out, messages))
        if not fresh:
            return
        body = await execution.io(partial(_store_body, bodies, fresh, epoch))
        try:
            revision = await execution.record(partial(seal_in, project, fresh, body), actor=actor)
        except SenderMoved:
            # The body stays behind as an orphan: it is a few hundred kilobytes at most, once in a failover.
            continue
        except CollectedMeanwhile as moved:
            # An orphan of the same bytes may have been collected just now, and this body with it.
            collected += 1
            if collected > MAX_COLLECTED:
                raise StorageUnavailable("predictions") from moved
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for message in (*fresh, *repeats):
            message.acknowledge(revision)
        return


def _sort_out(
    messages: Sequence[SentMessage], reader: Reader
) -> tuple[list[SentMessage], list[SentMessage], int]:
    """Messages no batch holds yet, further copies of them, and the epoch; what a batch holds is acknowledged.

    A sender that lost its call repeats what may still wait here, so that both copies can meet in one batch. A
    message whose predecessor is missing is refused.
    """
    stands: dict[SenderKey, int] = {}
    fresh: list[SentMessage] = []
    repeats: list[SentMessage] = []
    for message in messages:
        key = message.sender
        position = reader.predictions.position(key)
        last = stands.setdefault(key, position.sequence)
        if message.sequence <= position.sequence:
            message.acknowledge(position.revision)
        elif message.sequence <= last:
            repeats.append(message)
        elif message.sequence == last + 1:
            fresh.append(message)
            stands[key] = message.sequence
        else:
            message.refuse(SequenceBroken(expected=last + 1, actual=message.sequence))
    return fresh, repeats, reader.collection.epoch()


def _store_body(bodies: BodyStore, messages: Sequence[SentMessage], epoch: int) -> StoredBody:
    root = batch_root([leaf for message in messages for leaf in message.predictions.leaves])
    body = pack_body([record for message in messages for record in message.predictions.records])
    return StoredBody(root, bodies.put(body), len(body), epoch)


def seal_in(project: str, messages: Sequence[SentMessage], body: StoredBody, unit: UnitOfWork) -> int:
    """Seal a batch whose body is durable.

    Raises:
        SenderMoved: if a message of it is not the one that comes next of its sender.
        CollectedMeanwhile: if the body may have been removed as an orphan.
    """
    unit.collection.claim(Shelf.PREDICTIONS, [Digest(body.digest)], epoch=body.epoch)
    senders: dict[SenderKey, int] = {}
    for message in messages:
        before = senders.get(message.sender)
        if before is None:
            before = unit.predictions.position(message.sender).sequence
        if message.sequence != before + 1:
            raise SenderMoved
        senders[message.sender] = message.sequence
    shares: dict[ShareKey, Share] = {}
    for message in messages:
        for key, share in message.shares.items():
            if key in shares:
                shares[key].merge(share)
            else:
                shares[key] = Share(share.count, share.first, share.last)
    batch = Batch(
        revision=unit.revision,
        project_id=messages[0].sender.project_id,
        count=sum(message.count for message in messages),
        root_hash=body.root,
        body_digest=body.digest,
        body_bytes=body.size,
        first_time=from_microseconds(min(share.first for share in shares.values())),
        last_time=from_microseconds(max(share.last for share in shares.values())),
        seal_time=unit.now,
    )
    unit.predictions.seal(
        batch,
        id_hashes=[found for message in messages for found in message.predictions.id_hashes],
        shares=shares,
        senders=senders,
    )
    unit.record(
        EntryDraft(
            type=SEALED,
            project=project,
            data={
                "body": body.digest,
                "count": batch.count,
                "first_time": format_time(batch.first_time),
                "last_time": format_time(batch.last_time),
                "root": body.root.hex(),
                "versions": dict(sorted(_by_version(messages).items())),
            },
        )
    )
    return unit.revision


def _by_version(messages: Sequence[SentMessage]) -> Counter[str]:
    made: Counter[str] = Counter()
    for message in messages:
        for (version, _hour), share in message.predictions.shares.items():
            made[version] += share.count
    return made
