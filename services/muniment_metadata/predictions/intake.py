"""One call of a sender: messages are checked as they arrive and acknowledged, in order, as they are sealed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

from muniment.names import VersionName
from muniment.v1 import ledger_service_pb2 as pb
from muniment_core.db.prediction_store import SenderKey
from muniment_core.db.project_store import ProjectRecord
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import (
    FrameOutOfOrder,
    InvalidField,
    InvalidName,
    LimitExceeded,
    VersionNotFound,
)
from muniment_core.rpc.convert import parse
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.record import PredictionRecord, read_record
from muniment_metadata.predictions.sealer import MAX_BATCH_RECORDS, MAX_VERSIONS, Sealer, SentMessage

MAX_MESSAGE_BYTES = 1024 * 1024
MAX_WAITING_MESSAGES = 32
"""Most messages of one call that wait to be sealed: at 1 MiB each what a sender can make a server hold."""


class SenderStream:
    """Takes the messages of one call."""

    def __init__(self, execution: Execution, sealer: Sealer, project: ProjectRecord, key: SenderKey) -> None:
        self._execution = execution
        self._sealer = sealer
        self._project = project
        self._key = key
        self._version_ids: dict[str, int] = {}
        self._waiting = asyncio.Queue[SentMessage | Exception | None](MAX_WAITING_MESSAGES)

    async def receive(
        self, requests: AsyncIterator[pb.RecordPredictionsRequest]
    ) -> AsyncGenerator[pb.RecordPredictionsResponse, None]:
        """Acknowledge each message once it is sealed. A wrong one ends the call after those before it."""
        pump = asyncio.create_task(self._pump(requests))
        try:
            while (message := await self._waiting.get()) is not None:
                if isinstance(message, Exception):
                    raise message
                revision = await asyncio.shield(message.sealed)
                yield pb.RecordPredictionsResponse(sequence=message.sequence, revision=revision)
        finally:
            pump.cancel()

    async def _pump(self, requests: AsyncIterator[pb.RecordPredictionsRequest]) -> None:
        outcome = None
        try:
            expected = 0
            async for request in requests:
                if expected and request.sequence != expected:
                    raise FrameOutOfOrder(expected, request.sequence)
                message = await self._message(request)
                expected = request.sequence + 1
                self._sealer.add(self._project.name, message)
                await self._waiting.put(message)
        except Exception as error:  # noqa: BLE001 - `receive` raises it, after the right messages
            outcome = error
        await self._waiting.put(outcome)

    async def _message(self, request: pb.RecordPredictionsRequest) -> SentMessage:
        if request.sequence < 1:
            raise InvalidField("sequence", f"is {request.sequence}, while the first is 1")
        if not request.predictions:
            raise InvalidField("predictions", "is required")
        if len(request.predictions) > MAX_BATCH_RECORDS:
            raise LimitExceeded("predictions", MAX_BATCH_RECORDS, len(request.predictions))
        if request.ByteSize() > MAX_MESSAGE_BYTES:
            raise LimitExceeded("predictions", MAX_MESSAGE_BYTES, request.ByteSize())
        records = [read_record(data, f"predictions[{at}]") for at, data in enumerate(request.predictions)]
        version_ids = await self._versions(records)
        future = asyncio.get_running_loop().create_future()
        # The call may be gone when it fails: the sender repeats, and nobody else has to know.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return SentMessage(self._key, request.sequence, records, version_ids, future)

    async def _versions(self, records: list[PredictionRecord]) -> dict[str, int]:
        named = {record.version for record in records}
        if len(named) > MAX_VERSIONS:
            raise LimitExceeded("versions of one message", MAX_VERSIONS, len(named))
        unknown = named - self._version_ids.keys()
        if unknown:
            names = {text: self._version_name(text) for text in unknown}
            self._version_ids.update(await self._execution.read(lambda reader: _ids(reader, names)))
        return {text: self._version_ids[text] for text in named}

    def _version_name(self, text: str) -> VersionName:
        version = parse("predictions.version", VersionName.parse, text)
        if version.project != self._project.name:
            raise InvalidName("predictions.version", text, f"{text} is not of projects/{self._project.name}")
        return version


def _ids(reader: Reader, names: dict[str, VersionName]) -> dict[str, int]:
    found = {record.name: record.id for record in reader.versions.get_all(list(names.values()))}
    for text, version in names.items():
        if version not in found:
            raise VersionNotFound(text)
    return {text: found[version] for text, version in names.items()}
