"""Recording predictions through the generated stubs, as a sender in any language would."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from harness.api import Api
from muniment.v1 import catalog_pb2
from muniment.v1 import ledger_service_pb2 as pb
from muniment.v1.prediction_pb2 import Prediction

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def version(api: Api) -> catalog_pb2.Version:
    """A version whose predictions are recorded, trained on a data set with a digest."""
    api.new_model("churn")
    return api.new_version(
        "churn",
        datasets=[catalog_pb2.Dataset(name="clients", digest=f"sha256:{'d' * 64}")],
        params={"depth": catalog_pb2.ParamValue(number=0.1)},
        tags={"team": "risk"},
    )


@pytest.fixture
def make(version: catalog_pb2.Version) -> Callable[..., Prediction]:
    """Makes a prediction: `make("id", time=…, version=…)`."""

    def prediction(name: str = "", *, time: datetime = NOON, **fields: Any) -> Prediction:
        made = Prediction(
            id=name or uuid.uuid4().hex,
            version=fields.pop("version", version.name),
            input_digest=fields.pop("input_digest", hashlib.sha256(b"in" + name.encode()).digest()),
            output_digest=hashlib.sha256(b"out").digest(),
            **fields,
        )
        made.time.FromDatetime(time)
        return made

    return prediction


@pytest.fixture
def requests() -> Callable[..., list[pb.RecordPredictionsRequest]]:
    """Messages of a sender: `requests(api, [[prediction, …], …], sender=…, first=1)`."""

    def of(
        api: Api, messages: Iterable[Iterable[Prediction | bytes]], *, sender: str = "", first: int = 1
    ) -> list[pb.RecordPredictionsRequest]:
        name = sender or uuid.uuid4().hex
        return [
            pb.RecordPredictionsRequest(
                parent=api.parent(),
                sender=name,
                sequence=first + offset,
                predictions=[
                    one if isinstance(one, bytes) else one.SerializeToString() for one in predictions
                ],
            )
            for offset, predictions in enumerate(messages)
        ]

    return of


@pytest.fixture
def record(requests: Callable[..., Any]) -> Callable[..., list[pb.RecordPredictionsResponse]]:
    """Sends messages and returns their acknowledgements; arguments as those of `requests`."""

    def send(api: Api, *messages: Iterable[Prediction], **options: Any) -> list[pb.RecordPredictionsResponse]:
        return list(api.ledger.RecordPredictions(iter(requests(api, messages, **options))))

    return send
