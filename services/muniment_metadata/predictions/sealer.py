"""Gathers what senders sent into batches, and has one after the other sealed.

Messages of one project and principal are gathered for at most a second, until they hold 4,096 predictions, or
until a sender has no more. One batch of them is sealed at a time, so that messages of a sender are sealed in their
order. A message is acknowledged when its batch is durable, and not before.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from muniment_core.domain.errors import DomainError, ShuttingDown
from muniment_core.domain.prediction import SenderKey
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.messages import Line, SentMessage
from muniment_metadata.predictions.sealing import seal

GATHER_SECONDS = 0.9
MAX_WAITING_BYTES = 128 * 1024 * 1024
"""Most bytes of predictions a process holds for all senders; beyond, their calls are not read from."""

_log = logging.getLogger(__name__)


class Sealer:
    """Seals the messages of all senders of this process."""

    def __init__(self, execution: Execution, bodies: BodyStore) -> None:
        self._execution = execution
        self._bodies = bodies
        self._lines: dict[tuple[int, str], Line] = {}
        self._waiting_bytes = 0
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._closing = False

    async def add(self, project: str, message: SentMessage) -> None:
        """Let a message be sealed after the sender's earlier ones; its future tells the outcome.

        Raises:
            ShuttingDown: if the process is about to end.
        """
        await self._has_room.wait()
        if self._closing:
            raise ShuttingDown
        self._waiting_bytes += message.predictions.byte_count
        if self._waiting_bytes > MAX_WAITING_BYTES:
            self._has_room.clear()
        key = (message.sender.project_id, message.sender.principal)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(project)
            line.task = asyncio.create_task(self._work(key, line))
        line.add(message)

    def hurry(self, sender: SenderKey) -> None:
        """Have what waits sealed now: the sender has nothing more to say, and waits."""
        line = self._lines.get((sender.project_id, sender.principal))
        if line is not None:
            line.full.set()

    async def close(self) -> None:
        """Take nothing more, and seal what waits."""
        self._closing = True
        for line in self._lines.values():
            line.full.set()
        await asyncio.gather(*(line.task for line in self._lines.values() if line.task is not None))

    async def _work(self, key: tuple[int, str], line: Line) -> None:
        """Seal the batches of a line until it is empty."""
        while True:
            if not self._closing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(line.full.wait(), GATHER_SECONDS)
            batch = line.take()
            if not batch:
                break
            try:
                await seal(self._execution, self._bodies, batch, project=line.project, actor=key[1])
            except Exception as error:  # noqa: BLE001 - every sender is told, and the line must live on
                if not isinstance(error, DomainError):
                    _log.exception("a batch of predictions cannot be sealed")
                for message in batch:
                    message.refuse(error)
            self._waiting_bytes -= sum(message.predictions.byte_count for message in batch)
            if self._waiting_bytes <= MAX_WAITING_BYTES:
                self._has_room.set()
        del self._lines[key]
