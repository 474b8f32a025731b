"""Finding one prediction again, by its id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from muniment_core.domain.errors import PredictionExpired, PredictionNotFound
from muniment_core.domain.ledger import format_time
from muniment_core.domain.prediction import Batch
from muniment_core.rpc.execution import Execution

from muniment_metadata.predictions.bodies import BodyStore
from muniment_metadata.predictions.body import unpack_body
from muniment_metadata.predictions.record import Prediction, id_hash

MOST_BATCHES = 100
"""So many batches with an id are looked through: ids are the callers' choice, and need not be different."""


@dataclass(frozen=True, slots=True)
class FoundPrediction:
    """A prediction and where it stands.

    Attributes:
        data: its exact bytes.
        index: its place in the batch, from 0.
        records: all predictions of the batch.
        same_id_count: how many others have its id, in the batches that were looked through.
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
            reader.projects.require(project).id, id_hash(prediction_id), limit=MOST_BATCHES
        )
    )
    kept = [batch for batch in batches if batch.expire_time is None]
    found = await execution.io(lambda: _with_id(bodies, kept, prediction_id))
    if found is not None:
        return found
    for batch in batches:
        if batch.expire_time is not None:
            raise PredictionExpired(prediction_id, batch.revision, format_time(batch.expire_time))
    raise PredictionNotFound(prediction_id)


def _with_id(bodies: BodyStore, batches: Sequence[Batch], prediction_id: str) -> FoundPrediction | None:
    needle = prediction_id.encode()
    first, others = None, 0
    for batch in batches:
        records = unpack_body(bodies.get(batch.body_digest, batch.body_bytes), batch.body_digest)
        for index, data in enumerate(records):
            if needle in data and Prediction.FromString(data).id == prediction_id:
                if first is None:
                    first = FoundPrediction(data, index, batch, records)
                else:
                    others += 1
    return None if first is None else replace(first, same_id_count=others)
