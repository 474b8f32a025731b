"""Predictions: recorded, traced, proven, listed, counted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from muniment.errors import InvalidArgument
from muniment.names import VersionName
from muniment.predictions import Policy, PredictionRecorder
from muniment.registry import versions
from muniment.registry.session import Session, built, parsed, time_stamp
from muniment.v1 import ledger_service_pb2 as pb
from muniment.values import Prediction, PredictionCount, PredictionTrace, Receipt, Version

PAGE_SIZE = 1_000
"""A server opens whole batches for a page: the largest pages cost it least."""


def recorder(
    session: Session, version: Version | str, *, policy: Policy, capacity: int, keep_payload: bool
) -> PredictionRecorder:
    return PredictionRecorder(
        _name(session, version),
        session.calls.again,
        policy=policy,
        capacity=capacity,
        keep_payload=keep_payload,
    )


def trace(session: Session, prediction_id: str) -> PredictionTrace:
    request = built(pb.TracePredictionRequest, parent=session.project.text, prediction_id=prediction_id)
    return PredictionTrace.of(session.calls.unary(session.ledger.TracePrediction, request))


def receipt(session: Session, prediction_id: str) -> Receipt:
    request = built(pb.GetReceiptRequest, parent=session.project.text, prediction_id=prediction_id)
    return Receipt.of(session.calls.unary(session.ledger.GetReceipt, request))


def list_predictions(
    session: Session,
    version: Version | str | None,
    *,
    dataset_digest: str | None,
    start: datetime | None,
    end: datetime | None,
) -> Iterator[Prediction]:
    request = pb.ListPredictionsRequest(
        **_scope(session, version, dataset_digest),
        start_time=time_stamp("start", start),
        end_time=time_stamp("end", end),
        page_size=PAGE_SIZE,
    )
    return map(Prediction.of, session.calls.pages(session.ledger.ListPredictions, request, "predictions"))


def count_predictions(
    session: Session,
    version: Version | str | None,
    *,
    dataset_digest: str | None,
    start: datetime | None,
    end: datetime | None,
) -> PredictionCount:
    request = pb.CountPredictionsRequest(
        **_scope(session, version, dataset_digest),
        start_time=time_stamp("start", start),
        end_time=time_stamp("end", end),
    )
    return PredictionCount.of(session.calls.unary(session.ledger.CountPredictions, request))


def _scope(session: Session, version: Version | str | None, dataset_digest: str | None) -> dict[str, Any]:
    if (version is None) == (dataset_digest is None):
        raise InvalidArgument("give either a version or the digest of a data set")
    if version is None:
        return {"parent": session.project.text, "dataset_digest": dataset_digest}
    name = _name(session, version)
    return {"parent": f"projects/{name.project}", "version": name.text}


def _name(session: Session, version: Version | str) -> VersionName:
    """The name of a version; a selector with a number needs no look-up."""
    if isinstance(version, str):
        selector = session.selector(version)
        if selector.selector.isdecimal():
            return selector.of_model.version(int(selector.selector))
        version = versions.show(session, version)
    text = version.name
    return parsed(lambda: VersionName.parse(text))
