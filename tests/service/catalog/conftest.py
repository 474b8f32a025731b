"""Every mutation of the contract, for tests of what each leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from harness.api import Api
from muniment.v1 import access_service_pb2 as access
from muniment.v1 import catalog_pb2 as catalog
from muniment.v1 import metadata_service_pb2 as pb
from muniment.v1 import promotion_service_pb2 as promotion


@pytest.fixture
def mutations(api: Api) -> list[tuple[str, Callable[[Any], Any], Any, dict[str, Any]]]:
    """Every mutation of the contract once, in an order that works: its name, call, request and entry."""
    model, version = f"{api.parent()}/models/m", f"{api.parent()}/models/m/versions/1"
    digest = api.commit({"f": b"1"})
    mask = FieldMask(paths=["description"])
    about = {"project": api.parent(), "model": model}
    first = {**about, "number": 1, "digest": digest}
    m, p, a = api.metadata, api.promotion, api.access
    promoted = {**about, "stage": "staging", "digest": digest, "reason": "why"}
    report = promotion.Deployment(
        target="t",
        model=model,
        stage="staging",
        number=1,
        digest=digest,
        acted_revision=1,
        state=promotion.DEPLOYMENT_STATE_FAILED,
        message="it fell over",
    )
    token_id = int(
        a.CreateToken(
            access.CreateTokenRequest(parent=api.parent(), principal="x", roles=[access.ROLE_READER])
        ).name.rpartition("/")[2]
    )
    other = f"{api.project}-2"
    return [
        (
            "project.created",
            m.CreateProject,
            pb.CreateProjectRequest(project_id=other),
            {"project": f"projects/{other}"},
        ),
        ("model.created", m.CreateModel, pb.CreateModelRequest(parent=api.parent(), model_id="m"), about),
        ("model.updated", m.UpdateModel, pb.UpdateModelRequest(name=model, update_mask=mask), about),
        (
            "version.created",
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest)),
            first,
        ),
        (
            "version.created",
            m.CreateVersion,
            pb.CreateVersionRequest(parent=model, version=catalog.Version(digest=digest)),
            {**first, "number": 2},
        ),
        ("version.updated", m.UpdateVersion, pb.UpdateVersionRequest(name=version, update_mask=mask), first),
        (
            "metrics.added",
            m.AddMetrics,
            pb.AddMetricsRequest(version=version, metrics=[catalog.Metric(key="f1", value=float("nan"))]),
            first,
        ),
        (
            "alias.set",
            m.SetAlias,
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=2),
            {**first, "number": 2},
        ),
        (
            "alias.set",
            m.SetAlias,
            pb.SetAliasRequest(name=f"{model}/aliases/a", number=1),
            {**first, "previous_number": 2},
        ),
        (
            "alias.deleted",
            m.DeleteAlias,
            pb.DeleteAliasRequest(name=f"{model}/aliases/a"),
            {**about, "previous_number": 1},
        ),
        (
            "stage.promoted",
            p.RequestPromotion,
            promotion.RequestPromotionRequest(version=version, stage="staging", reason="why"),
            {**promoted, "number": 1},
        ),
        (
            "stage.promoted",
            p.RequestPromotion,
            promotion.RequestPromotionRequest(version=f"{model}/versions/2", stage="staging", reason="why"),
            {**promoted, "number": 2, "previous_number": 1},
        ),
        (
            "stage.rolled_back",
            p.Rollback,
            promotion.RollbackRequest(stage=f"{model}/stages/staging", reason="why"),
            {**promoted, "number": 1, "previous_number": 2},
        ),
        (
            "deployment.reported",
            p.ReportDeployment,
            promotion.ReportDeploymentRequest(parent=api.parent(), deployment=report),
            {**first, "stage": "staging", "reason": "it fell over"},
        ),
        (
            "version.archived",
            m.ArchiveVersion,
            pb.ArchiveVersionRequest(name=f"{model}/versions/2", reason="why"),
            {**first, "number": 2, "reason": "why"},
        ),
        (
            "version.restored",
            m.RestoreVersion,
            pb.RestoreVersionRequest(name=f"{model}/versions/2", reason="why"),
            {**first, "number": 2, "reason": "why"},
        ),
        (
            "version.deleted",
            m.DeleteVersion,
            pb.DeleteVersionRequest(name=f"{model}/versions/2"),
            {**first, "number": 2},
        ),
        (
            "token.created",
            a.CreateToken,
            access.CreateTokenRequest(parent=api.parent(), principal="ann", roles=[access.ROLE_READER]),
            {"project": api.parent()},
        ),
        (
            "token.revoked",
            a.RevokeToken,
            access.RevokeTokenRequest(name=f"{api.parent()}/tokens/{token_id}"),
            {"project": api.parent()},
        ),
        (
            "model.created",
            m.CreateModel,
            pb.CreateModelRequest(parent=api.parent(), model_id="gone"),
            {**about, "model": f"{api.parent()}/models/gone"},
        ),
        (
            "model.deleted",
            m.DeleteModel,
            pb.DeleteModelRequest(name=f"{api.parent()}/models/gone"),
            {**about, "model": f"{api.parent()}/models/gone"},
        ),
    ]
