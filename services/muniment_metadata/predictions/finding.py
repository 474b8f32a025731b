"""Finding one prediction again, by its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from muniment_core.domain.errors import PredictionExpired, PredictionNotFound
from muniment_core.domain.ledger import format_time
from muniment_core.domain.prediction import Batch
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.body import unpack_body
from muniment_metadata.predictions.record import Prediction, id_hash


@dataclass(frozen=True, slots=True)
class FoundPrediction:
    """A prediction and where it stands.

    Attributes:
        data: its exact bytes.
        index: its place in the batch, from 0.
        records: all predictions of the batch.
        same_id_count: how many others have its id.
    """

    data: bytes
    index: int
    batch: Batch
    records: Sequence[bytes]
    same_id_count: int = 0

    @property
    def message(self) -> Prediction:
        """What the bytes say."""
        return Prediction.FromString(self.data)


async def find_prediction(
    execution: Execution, bodies: BodyStore, project: str, prediction_id: str
) -> FoundPrediction:
    """The first prediction recorded with an id.

    Raises:
        ProjectNotFound: if there is no such project.
        PredictionNotFound: if there is none.
        PredictionExpired: if retention dropped it.
    """
    batches = await execution.read(
        lambda reader: reader.predictions.batches_with_id(
            reader.projects.require(project).id, id_hash(prediction_id)
        )
    )
    kept = [batch for batch in batches if batch.expire_time is None]
    found = await execution.io(lambda: list(_with_id(bodies, kept, prediction_id)))
    if found:
        return replace(found[0], same_id_count=len(found) - 1)
    for batch in batches:
        if batch.expire_time is not None:
            raise PredictionExpired(prediction_id, batch.revision, format_time(batch.expire_time))
    raise PredictionNotFound(prediction_id)


def _with_id(bodies: BodyStore, batches: Sequence[Batch], prediction_id: str) -> Iterator[FoundPrediction]:
    needle = prediction_id.encode()
    for batch in batches:
        records = unpack_body(bodies.get(batch.body_digest, batch.body_bytes), batch.body_digest)
        for index, data in enumerate(records):
            if needle in data and Prediction.FromString(data).id == prediction_id:
                yield FoundPrediction(data, index, batch, records)
