"""What LedgerService answers about predictions: requests read, use cases asked, messages filled."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from muniment.names import ProjectName, VersionName
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1 import prediction_pb2
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import InvalidField
from muniment_core.domain.prediction import Batch, PredictionScope
from muniment_core.rpc.auth import current_principal
from muniment_core.rpc.convert import digest, entry_message, parse, text, time, timestamp
from muniment_core.rpc.execution import Execution
from muniment_core.rpc.paging import PageTokens, page_of, page_size

from muniment_metadata.convert import version_message
from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.finding import find_prediction
from muniment_metadata.predictions.intake import Intake
from muniment_metadata.predictions.lineage import provenance
from muniment_metadata.predictions.reading import (
    ListedPrediction,
    Period,
    count_predictions,
    list_predictions,
)
from muniment_metadata.predictions.receipts import make_receipt
from muniment_metadata.predictions.record import MAX_ID
from muniment_metadata.predictions.sealer import Sealer
from muniment_metadata.visibility import shown


class Predictions:
    """The predictions of a registry, behind the methods of the contract."""

    def __init__(self, execution: Execution, page_tokens: PageTokens, bodies: BodyStore) -> None:
        self._execution = execution
        self._pages = page_tokens
        self._bodies = bodies
        self._intake = Intake(execution, Sealer(execution, bodies))

    def record(
        self, requests: AsyncIterator[pb.RecordPredictionsRequest]
    ) -> AsyncGenerator[pb.RecordPredictionsResponse, None]:
        """RecordPredictions."""
        return self._intake.receive(requests)

    async def close(self) -> None:
        """Seal what waits, and end the calls of senders."""
        await self._intake.close()

    async def trace(self, request: pb.TracePredictionRequest) -> pb.PredictionTrace:
        """TracePrediction."""
        project = parse("parent", ProjectName.parse, request.parent).project
        prediction_id = text("prediction_id", request.prediction_id, MAX_ID, required=True)
        found = await find_prediction(self._execution, self._bodies, project, prediction_id)
        message = found.message
        known = await self._execution.read(
            lambda reader: provenance(
                reader,
                VersionName.parse(message.version),
                time=time("time", message.time),
                sealed_revision=found.batch.revision,
            )
        )
        return pb.PredictionTrace(
            prediction=message,
            batch=batch_message(found.batch, project),
            version=shown(version_message(known.version), current_principal.get()),
            stage_entries=[entry_message(entry) for entry in known.stage_entries],
            stages=known.stages,
            same_id_count=found.same_id_count,
        )

    async def receipt(self, request: pb.GetReceiptRequest) -> pb.Receipt:
        """GetReceipt."""
        project = parse("parent", ProjectName.parse, request.parent).project
        prediction_id = text("prediction_id", request.prediction_id, MAX_ID, required=True)
        return pb.Receipt(
            content=await make_receipt(
                self._execution, self._bodies, project, prediction_id, principal=current_principal.get()
            )
        )

    async def list(self, request: pb.ListPredictionsRequest) -> pb.ListPredictionsResponse:
        """ListPredictions."""
        scope = await self._scope(request)
        limit, after = page_size(request), self._pages.position(request)
        found = await list_predictions(
            self._execution,
            self._bodies,
            scope,
            _period(request),
            after=None if after is None else tuple(after),
            limit=limit + 1,
        )
        page, last = page_of(found, limit, _listed_message, lambda listed: list(listed.position))
        return pb.ListPredictionsResponse(predictions=page, next_page_token=self._pages.next(request, last))

    async def count(self, request: pb.CountPredictionsRequest) -> pb.CountPredictionsResponse:
        """CountPredictions."""
        scope = await self._scope(request)
        kept, expired = await count_predictions(self._execution, self._bodies, scope, _period(request))
        return pb.CountPredictionsResponse(count=kept + expired, expired_count=expired)

    async def _scope(self, request: Any) -> PredictionScope:
        """Whose predictions a request means.

        Raises:
            InvalidField: if it names neither a version nor a data set, or both.
            VersionNotFound: if there is no such version.
        """
        project = parse("parent", ProjectName.parse, request.parent).project
        if bool(request.version) == bool(request.dataset_digest):
            raise InvalidField("version", "or dataset_digest is required, and not both")
        name = parse("version", VersionName.parse, request.version) if request.version else None
        if name is not None and name.project != project:
            raise InvalidField("version", f"is not of {request.parent}")
        dataset = digest("dataset_digest", request.dataset_digest).text if name is None else ""

        def find(reader: Reader) -> PredictionScope:
            project_id = reader.projects.require(project).id
            version_id = reader.versions.require(name).id if name is not None else 0
            return PredictionScope(project_id=project_id, version_id=version_id, dataset_digest=dataset)

        return await self._execution.read(find)


def batch_message(batch: Batch, project: str) -> prediction_pb2.PredictionBatch:
    """A batch for an answer."""
    return prediction_pb2.PredictionBatch(
        project=f"projects/{project}",
        revision=batch.revision,
        count=batch.count,
        root_hash=batch.root_hash,
        body_digest=batch.body_digest,
        body_bytes=batch.body_bytes,
        first_time=timestamp(batch.first_time),
        last_time=timestamp(batch.last_time),
        expire_time=timestamp(batch.expire_time),
    )


def _listed_message(listed: ListedPrediction) -> prediction_pb2.Prediction:
    return listed.message


def _period(request: Any) -> Period:
    return Period(
        _nanoseconds("start_time", request.start_time) if request.HasField("start_time") else None,
        _nanoseconds("end_time", request.end_time) if request.HasField("end_time") else None,
    )


def _nanoseconds(field: str, stamp: Timestamp) -> int:
    time(field, stamp)
    return int(stamp.ToNanoseconds())
