"""The calls of senders: messages are checked as they arrive and acknowledged, in order, as they are sealed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from functools import partial

from muniment.names import ProjectName, VersionName
from muniment.v1 import ledger_service_pb2 as pb
from muniment_core.db.project_store import ProjectRecord
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import (
    InvalidField,
    InvalidName,
    LimitExceeded,
    SequenceBroken,
    ShuttingDown,
    VersionNotFound,
)
from muniment_core.domain.prediction import SenderKey
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import parse, text
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.messages import MAX_BATCH_RECORDS, MAX_VERSIONS, SentMessage
from muniment_metadata.predictions.record import check_predictions
from muniment_metadata.predictions.sealer import Sealer

MAX_SENDER = 128
MAX_WAITING_MESSAGES = 32
"""Most messages of one call that wait to be sealed: at 1 MiB each what a sender can make a server hold."""


class Intake:
    """Takes the calls of all senders of this process."""

    def __init__(self, execution: Execution, sealer: Sealer) -> None:
        self._execution = execution
        self._sealer = sealer
        self._calls: set[_Call] = set()

    async def receive(
        self, requests: AsyncIterator[pb.RecordPredictionsRequest]
    ) -> AsyncGenerator[pb.RecordPredictionsResponse, None]:
        """Acknowledge each message of a call once it is sealed.

        A wrong message ends the call after those before it.
        """
        first = await anext(requests)
        name = parse("parent", ProjectName.parse, first.parent)
        sender = text("sender", first.sender, MAX_SENDER, required=True)
        project = await self._execution.read(lambda reader: reader.projects.require(name.project))
        key = SenderKey(project.id, current_principal.get().name, sender)
        call = _Call(self._execution, self._sealer, project, key)
        self._calls.add(call)
        try:
            async for response in call.acknowledgements(first, requests):
                yield response
        finally:
            call.end()
            self._calls.discard(call)

    async def close(self) -> None:
        """Read no more, have what waits sealed and acknowledged, and send the senders elsewhere."""
        for call in self._calls:
            call.end(ShuttingDown())
        await self._sealer.close()


class _Call:
    """One call: one task reads messages, the caller's own acknowledges them."""

    def __init__(self, execution: Execution, sealer: Sealer, project: ProjectRecord, key: SenderKey) -> None:
        self._execution = execution
        self._sealer = sealer
        self._project = project
        self._key = key
        self._version_ids: dict[str, int] = {}
        self._waiting = asyncio.Queue[SentMessage | BaseException | None](MAX_WAITING_MESSAGES)
        self._pump: asyncio.Task[None] | None = None
        self._farewell: Exception | None = None

    async def acknowledgements(
        self, first: pb.RecordPredictionsRequest, requests: AsyncIterator[pb.RecordPredictionsRequest]
    ) -> AsyncGenerator[pb.RecordPredictionsResponse, None]:
        self._pump = asyncio.create_task(self._read(first, requests))
        while (message := await self._waiting.get()) is not None:
            if isinstance(message, BaseException):
                raise message
            # Shielded: the message is sealed also when its sender has gone.
            revision = await asyncio.shield(message.sealed)
            yield pb.RecordPredictionsResponse(sequence=message.sequence, revision=revision)

    def end(self, farewell: Exception | None = None) -> None:
        """Read no more. With a farewell, the call ends with it once what was read is acknowledged."""
        self._farewell = farewell
        if self._pump is not None:
            self._pump.cancel()

    async def _read(
        self, first: pb.RecordPredictionsRequest, requests: AsyncIterator[pb.RecordPredictionsRequest]
    ) -> None:
        outcome: BaseException | None = None
        try:
            await self._take(first)
            expected = first.sequence + 1
            async for request in requests:
                if request.sequence != expected:
                    raise SequenceBroken(expected=expected, actual=request.sequence)
                await self._take(request)
                expected += 1
            self._sealer.hurry(self._key)
        except asyncio.CancelledError:
            if self._farewell is None:
                raise
            outcome = self._farewell
        except Exception as error:  # noqa: BLE001 - the caller's task raises it, after what came before
            outcome = error
        await self._waiting.put(outcome)

    async def _take(self, request: pb.RecordPredictionsRequest) -> None:
        message = await self._message(request)
        await self._sealer.add(self._project.name, message)
        await self._waiting.put(message)

    async def _message(self, request: pb.RecordPredictionsRequest) -> SentMessage:
        if request.sequence < 1:
            raise InvalidField("sequence", f"is {request.sequence}, while the first is 1")
        if not request.predictions:
            raise InvalidField("predictions", "is required")
        if len(request.predictions) > MAX_BATCH_RECORDS:
            raise LimitExceeded("predictions", MAX_BATCH_RECORDS, len(request.predictions))
        predictions = await self._execution.io(partial(check_predictions, list(request.predictions)))
        version_ids = await self._versions(predictions.versions)
        sealed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        # The call may be gone when it fails: the sender repeats, and nobody else has to know.
        sealed.add_done_callback(lambda done: done.cancelled() or done.exception())
        return SentMessage(self._key, request.sequence, predictions, version_ids, sealed)

    async def _versions(self, named: set[str]) -> dict[str, int]:
        if len(named) > MAX_VERSIONS:
            raise LimitExceeded("versions of one message", MAX_VERSIONS, len(named))
        unknown = named - self._version_ids.keys()
        if unknown:
            if len(self._version_ids) > MAX_VERSIONS:
                self._version_ids.clear()
                unknown = named
            names = {written: self._version_name(written) for written in unknown}
            self._version_ids.update(await self._execution.read(lambda reader: _ids(reader, names)))
        return {written: self._version_ids[written] for written in named}

    def _version_name(self, written: str) -> VersionName:
        version = parse("predictions.version", VersionName.parse, written)
        if version.project != self._project.name:
            raise InvalidName(
                "predictions.version", written, f"{written} is not of projects/{self._project.name}"
            )
        return version


def _ids(reader: Reader, names: dict[str, VersionName]) -> dict[str, int]:
    found = {record.name: record.id for record in reader.versions.get_all(list(names.values()))}
    for written, version in names.items():
        if version not in found:
            raise VersionNotFound(written)
    return {written: found[version] for written, version in names.items()}
