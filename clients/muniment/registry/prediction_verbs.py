"""The verbs about predictions, which the client class takes over as they are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from weakref import WeakSet

from muniment.errors import MunimentError
from muniment.predictions import CLOSE_SECONDS, DEFAULT_CAPACITY, Policy, PredictionRecorder
from muniment.registry import predictions
from muniment.registry.session import Session
from muniment.values import Prediction, PredictionCount, PredictionTrace, Receipt, Version


class PredictionVerbs:
    """What a registry can be asked about predictions."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._recorders: WeakSet[PredictionRecorder] = WeakSet()

    def predictions(
        self,
        version: Version | str,
        *,
        policy: Policy = "wait",
        capacity: int = DEFAULT_CAPACITY,
        keep_payload: bool = False,
    ) -> PredictionRecorder:
        """A recorder of what a version predicts, for the process that serves it.

        It stays with the version the selector means now: after a promotion make another one.

        Args:
            policy: what to do when ``capacity`` predictions wait: ``wait``, ``drop`` (and count), or ``raise``.
            keep_payload: also keep inputs and outputs of at most 65,536 bytes, not only their digests.
        """
        recorder = predictions.recorder(
            self._session, version, policy=policy, capacity=capacity, keep_payload=keep_payload
        )
        self._recorders.add(recorder)
        return recorder

    def trace(self, prediction_id: str) -> PredictionTrace:
        """From a prediction to the version that made it, its data sets and code, and how it came into production.

        Raises:
            PredictionNotFound: if no prediction of the project has this id, or it was recorded just now.
            PredictionExpired: if retention dropped it.
        """
        return predictions.trace(self._session, prediction_id)

    def receipt(self, prediction_id: str) -> Receipt:
        """A file that proves a prediction offline: ``muniment verify`` checks it with the public key alone.

        Raises:
            As :meth:`trace`.
        """
        return predictions.receipt(self._session, prediction_id)

    def list_predictions(
        self,
        version: Version | str | None = None,
        *,
        dataset_digest: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Iterator[Prediction]:
        """What a version predicted from ``start`` on and before ``end``, in order of time.

        Args:
            dataset_digest: instead of a version: all versions of the project trained on this data set, in a role
                of training such as ``train``, the default of :class:`Dataset`, and not only ``holdout``.
        """
        return predictions.list_predictions(
            self._session, version, dataset_digest=dataset_digest, start=start, end=end
        )

    def count_predictions(
        self,
        version: Version | str | None = None,
        *,
        dataset_digest: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> PredictionCount:
        """How many predictions :meth:`list_predictions` would list, and how many retention dropped."""
        return predictions.count_predictions(
            self._session, version, dataset_digest=dataset_digest, start=start, end=end
        )

    def _close_recorders(self) -> None:
        """Close all, whatever is wrong with some, and raise what was wrong with the first of those."""
        troubles = []
        end = time.monotonic() + CLOSE_SECONDS
        for recorder in list(self._recorders):
            try:
                recorder.close(max(0.0, end - time.monotonic()))
            except MunimentError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
