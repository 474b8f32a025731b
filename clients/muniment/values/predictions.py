"""Predictions, as they are found again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from muniment.errors import CannotWrite
from muniment.values.catalog import Version
from muniment.values.edge import time_of
from muniment.values.ledger import Event

if TYPE_CHECKING:
    from muniment.v1 import ledger_service_pb2, prediction_pb2


@dataclass(frozen=True, slots=True)
class Prediction:
    """One recorded prediction.

    Attributes:
        time: when it was made, by the recorder's clock.
        version: resource name of the version that made it.
        input_digest: ``sha256:<hex>`` of what the model was asked.
        output_digest: ``sha256:<hex>`` of what it answered.
        input: the input itself; empty when it was not kept.
        output: the output itself; empty when it was not kept.
    """

    id: str
    time: datetime | None
    version: str
    input_digest: str
    output_digest: str
    input: bytes = field(repr=False)
    output: bytes = field(repr=False)
    message: prediction_pb2.Prediction = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: prediction_pb2.Prediction) -> Prediction:
        return cls(
            id=message.id,
            time=time_of(message, "time"),
            version=message.version,
            input_digest=f"sha256:{message.input_digest.hex()}",
            output_digest=f"sha256:{message.output_digest.hex()}",
            input=message.input,
            output=message.output,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class PredictionTrace:
    """What is known of one prediction.

    Attributes:
        version: what made it, with its data sets, code, parents and parameters.
        stages: where that version was current when the prediction was made.
        stage_events: how it came into its stages before that, oldest first.
        revision: of the ledger entry that binds the prediction.
        batch_size: how many predictions that entry binds.
        same_id_count: how many other predictions have the same id, in at most 100 of the batches that have any.
    """

    prediction: Prediction
    version: Version
    stages: tuple[str, ...]
    stage_events: tuple[Event, ...]
    revision: int
    batch_size: int
    same_id_count: int
    message: ledger_service_pb2.PredictionTrace = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.PredictionTrace) -> PredictionTrace:
        return cls(
            prediction=Prediction.of(message.prediction),
            version=Version.of(message.version),
            stages=tuple(message.stages),
            stage_events=tuple(map(Event.of, message.stage_entries)),
            revision=message.batch.revision,
            batch_size=message.batch.count,
            same_id_count=message.same_id_count,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class PredictionCount:
    """How many predictions there are.

    Attributes:
        count: all of them.
        expired_count: those of which retention kept only the root of their batch.
    """

    count: int
    expired_count: int
    message: ledger_service_pb2.CountPredictionsResponse = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.CountPredictionsResponse) -> PredictionCount:
        return cls(message.count, message.expired_count, message)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A file that proves one prediction to anyone who has the ledger's public key.

    Attributes:
        content: the file, byte for byte; see :mod:`muniment.ledger.receipt`.
    """

    content: bytes = field(repr=False)
    message: ledger_service_pb2.Receipt = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: ledger_service_pb2.Receipt) -> Receipt:
        return cls(message.content, message)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the file.

        Raises:
            CannotWrite: if it cannot be written.
        """
        try:
            Path(path).write_bytes(self.content)
        except OSError as error:
            raise CannotWrite(f"{path} cannot be written: {error.strerror}") from error
