"""A registry on each database, and a model with versions to move about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.api import Api
from harness.postgres import PostgresServer
from harness.processes import ProcessRunner
from harness.server import ServerFactory, ServerProcess
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


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def registry(
    request: pytest.FixtureRequest, _session_home: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A running server on each database, shared by the tests of a module."""
    directory: Path = tmp_path_factory.mktemp("promotion")
    runner = ProcessRunner(directory / "processes")
    factory = ServerFactory(runner, directory)
    try:
        if request.param == "sqlite":
            yield factory()
        else:
            postgres: PostgresServer = request.getfixturevalue("postgres")
            with postgres.database() as url:
                yield factory(database=url)
                runner.reap()
    finally:
        runner.reap()


@pytest.fixture
def api(registry: ServerProcess) -> Iterator[Api]:
    """An admin in a fresh project."""
    with Api(registry.address, registry.token) as admin:
        admin.project = admin.new_project()
        yield admin


@pytest.fixture
def stages(api: Api) -> Stages:
    """A model without versions."""
    return Stages(api)
