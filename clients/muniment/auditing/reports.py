"""What targets were reported to run, against the newest reports its ledger holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from muniment.auditing.difference import differences, last_part, time_of
from muniment.ledger.fold import DeploymentKey, Fold
from muniment.registry.session import Session
from muniment.v1 import promotion_service_pb2 as pb

_PAGE = 1_000


def deployment_differences(session: Session, fold: Fold) -> Iterator[str]:
    """Deployments that are listed otherwise than the ledger tells."""
    missing = set(fold.deployments)
    for project in list(fold.projects):
        request = pb.ListDeploymentsRequest(parent=f"projects/{project}", page_size=_PAGE)
        for deployment in session.calls.pages(session.promotions.ListDeployments, request, "deployments"):
            key = project, deployment.target, last_part(deployment.model), deployment.stage
            told = fold.deployments.get(key)
            if told is None:
                yield f"{_named(key)} is listed, while the ledger does not tell of it"
                continue
            missing.discard(key)
            expected = asdict(told)
            # No message tells in which entry it was reported.
            del expected["revision"]
            found = _fields(deployment)
            yield from differences(_named(key), ((name, found[name], expected[name]) for name in expected))
    for key in sorted(missing):
        yield f"{_named(key)} is not listed, while the ledger tells of it"


def _fields(deployment: Any) -> dict[str, object]:
    return {
        "number": deployment.number,
        "digest": deployment.digest,
        "state": pb.DeploymentState.Name(deployment.state).removeprefix("DEPLOYMENT_STATE_"),
        "acted_revision": deployment.acted_revision,
        "message": deployment.message,
        "reporter": deployment.reporter,
        "report_time": time_of(deployment.report_time),
    }


def _named(key: DeploymentKey) -> str:
    project, target, model, stage = key
    return f"deployment {target} of {project}/{model}@{stage}"
