"""LedgerService: reads of the one log, proofs of what it holds, and the predictions it binds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1 import ledger_service_pb2_grpc
from muniment_core.db.ledger_store import EntryQuery
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import CheckpointPending, EntryNotFound, InvalidField
from muniment_core.domain.ledger import Entry
from muniment_core.domain.merkle import Frontier
from muniment_core.rpc.convert import entry_message, project_or_all, time
from muniment_core.rpc.entry_filter import entry_query
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size

from muniment_metadata import proofs
from muniment_metadata.predictions.answers import Predictions
from muniment_metadata.proof_messages import (
    checkpoint_message,
    consistency_message,
    inclusion_message,
    key_message,
)

SIGNED_WITHIN_SECONDS = 2.0
"""How long a call waits for the signer, which is at most a second behind."""
SIGNED_POLL_SECONDS = 0.05

Context = Any
T = TypeVar("T")


class LedgerServicer(ledger_service_pb2_grpc.LedgerServiceServicer):
    """Serves the audit log and predictions."""

    def __init__(self, execution: Execution, page_tokens: PageTokens, predictions: Predictions) -> None:
        self._execution = execution
        self._pages = page_tokens
        self._predictions = predictions

    async def GetEntry(self, request: pb.GetEntryRequest, context: Context) -> pb.LedgerEntry:
        project = project_or_all("parent", request.parent)
        if request.revision < 1:
            raise InvalidField("revision", f"is {request.revision}, while the first is 1")
        entry, size = await self._execution.read(lambda reader: _entry(reader, project, request.revision))
        if entry is None or (project is not None and entry.draft.project != project):
            raise EntryNotFound(request.revision, size)
        return entry_message(entry)

    async def ListEntries(self, request: pb.ListEntriesRequest, context: Context) -> pb.ListEntriesResponse:
        project = project_or_all("parent", request.parent)
        query = entry_query(
            project,
            request.filter,
            start_time=time("start_time", request.start_time) if request.HasField("start_time") else None,
            end_time=time("end_time", request.end_time) if request.HasField("end_time") else None,
        )
        limit, position = page_size(request), self._pages.position(request)
        # A filter has no index for everything, and may pass over most of the ledger to fill a page.
        run = self._execution.query if query.filters else self._execution.read
        found = await run(
            lambda reader: _page(
                reader, project, query, position, limit + 1, newest_first=request.newest_first
            )
        )
        page, last = page_of(found, limit, entry_message, lambda result: result.revision)
        return pb.ListEntriesResponse(entries=page, next_page_token=self._pages.next(request, last))

    async def GetHead(self, request: pb.GetHeadRequest, context: Context) -> pb.LedgerHead:
        project = project_or_all("parent", request.parent)
        head = await self._execution.read(lambda reader: _head(reader, project))
        return pb.LedgerHead(size=head.size, root_hash=head.root)

    async def GetCheckpoint(self, request: pb.GetCheckpointRequest, context: Context) -> pb.Checkpoint:
        project = project_or_all("parent", request.parent)
        wanted = _at_least("min_size", request.min_size, 0)
        signed = await self._when_signed(lambda reader: proofs.checkpoint(reader, project, min_size=wanted))
        return checkpoint_message(signed)

    async def GetInclusionProof(
        self, request: pb.GetInclusionProofRequest, context: Context
    ) -> pb.InclusionProof:
        project = project_or_all("parent", request.parent)
        revision = _at_least("revision", request.revision, 1)
        size = _at_least("tree_size", request.tree_size, 0)
        proved = await self._when_signed(
            lambda reader: proofs.prove_inclusion(reader, project, revision, tree_size=size)
        )
        return inclusion_message(proved)

    async def GetConsistencyProof(
        self, request: pb.GetConsistencyProofRequest, context: Context
    ) -> pb.ConsistencyProof:
        project = project_or_all("parent", request.parent)
        earlier = _at_least("from_size", request.from_size, 1)
        later = _at_least("to_size", request.to_size, 0)
        proved = await self._when_signed(
            lambda reader: proofs.prove_consistency(reader, project, earlier, later)
        )
        return consistency_message(proved)

    async def ListLogKeys(self, request: pb.ListLogKeysRequest, context: Context) -> pb.ListLogKeysResponse:
        project = project_or_all("parent", request.parent)
        keys = await self._execution.read(lambda reader: proofs.log_keys(reader, project))
        return pb.ListLogKeysResponse(
            keys=[key_message(key, said, active=key is keys[-1][0]) for key, said in keys]
        )

    async def RecordPredictions(
        self, request_iterator: AsyncIterator[pb.RecordPredictionsRequest], context: Context
    ) -> AsyncIterator[pb.RecordPredictionsResponse]:
        async with aclosing(self._predictions.record(request_iterator)) as responses:
            async for response in responses:
                yield response

    async def TracePrediction(
        self, request: pb.TracePredictionRequest, context: Context
    ) -> pb.PredictionTrace:
        return await self._predictions.trace(request)

    async def GetReceipt(self, request: pb.GetReceiptRequest, context: Context) -> pb.Receipt:
        return await self._predictions.receipt(request)

    async def ListPredictions(
        self, request: pb.ListPredictionsRequest, context: Context
    ) -> pb.ListPredictionsResponse:
        return await self._predictions.list(request)

    async def CountPredictions(
        self, request: pb.CountPredictionsRequest, context: Context
    ) -> pb.CountPredictionsResponse:
        return await self._predictions.count(request)

    async def _when_signed(self, use_case: Callable[[Reader], T]) -> T:
        """Read, and wait a little for the signer where it has not come that far."""
        clock = asyncio.get_running_loop().time
        end = clock() + SIGNED_WITHIN_SECONDS
        while True:
            try:
                return await self._execution.read(use_case)
            except CheckpointPending:
                if clock() > end:
                    raise
            await asyncio.sleep(SIGNED_POLL_SECONDS)


def _at_least(field: str, value: int, least: int) -> int:
    if value < least:
        raise InvalidField(field, f"is {value}, while {least} is the least")
    return value


def _entry(reader: Reader, project: str | None, revision: int) -> tuple[Entry | None, int]:
    _require(reader, project)
    return reader.ledger.entry(revision), reader.ledger.size()


def _head(reader: Reader, project: str | None) -> Frontier:
    _require(reader, project)
    return reader.ledger.head()


def _page(
    reader: Reader,
    project: str | None,
    query: EntryQuery,
    position: int | None,
    limit: int,
    *,
    newest_first: bool,
) -> list[Entry]:
    _require(reader, project)
    if newest_first:
        return reader.ledger.before(position, query, limit=limit)
    return reader.ledger.after(position or 0, query, limit=limit)


def _require(reader: Reader, project: str | None) -> None:
    """An instance-wide caller passes every check of permission, also for a project that does not exist."""
    if project is not None:
        reader.projects.id_of(project)
