"""A model with versions to move about."""

from __future__ import annotations

import pytest
from harness.api import Api
from muniment.v1 import metadata_service_pb2, promotion_service_pb2


class Stages:
    """One model of a fresh project, and the calls these tests are about."""

    def __init__(self, api: Api, model: str = "churn") -> None:
        self.api = api
        self.model = f"{api.parent()}/models/{model}"
        api.metadata.CreateModel(metadata_service_pb2.CreateModelRequest(parent=api.parent(), model_id=model))

    def register(self, content: bytes = b"weights") -> int:
        """Register a version; returns its number."""
        request = metadata_service_pb2.CreateVersionRequest(parent=self.model)
        request.version.digest = self.api.commit({"model.bin": content})
        return int(self.api.metadata.CreateVersion(request).number)

    def promote(
        self, number: int, stage: str = "production", expected: int | None = None, request_id: str = ""
    ) -> promotion_service_pb2.Promotion:
        """Promote a version."""
        request = promotion_service_pb2.RequestPromotionRequest(
            version=f"{self.model}/versions/{number}", stage=stage, reason="because", request_id=request_id
        )
        if expected is not None:
            request.expected_current = expected
        return self.api.promotion.RequestPromotion(request)

    def roll_back(
        self, stage: str = "production", to: int = 0, expected: int | None = None
    ) -> promotion_service_pb2.StageMove:
        """Roll a stage back."""
        request = promotion_service_pb2.RollbackRequest(stage=f"{self.model}/stages/{stage}", to_number=to)
        if expected is not None:
            request.expected_current = expected
        return self.api.promotion.Rollback(request)

    def current(self, stage: str = "production") -> int:
        """Number of the current version, 0 for none."""
        name = f"{self.model}/stages/{stage}"
        return int(self.api.promotion.GetStage(promotion_service_pb2.GetStageRequest(name=name)).number)


@pytest.fixture
def stages(api: Api) -> Stages:
    """A model without versions."""
    return Stages(api)
