"""Deployments: what controllers report that they run."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.errors import InvalidArgument
from muniment.registry.session import Session, built, new_request_id
from muniment.v1 import promotion_service_pb2 as pb
from muniment.values import Deployment

STATES = ("DEPLOYING", "RUNNING", "FAILED")
MAX_MESSAGE = 4_096


def report_deployment(
    session: Session,
    target: str,
    *,
    model: str,
    stage: str,
    number: int,
    digest: str,
    state: str,
    acted_revision: int,
    message: str,
) -> Deployment:
    if state not in STATES:
        raise InvalidArgument(f"state {state!r} is not one of {', '.join(STATES)}")
    name = session.model(model)
    request = built(
        pb.ReportDeploymentRequest,
        parent=f"projects/{name.project}",
        deployment=built(
            pb.Deployment,
            target=target,
            model=name.text,
            stage=stage,
            number=number,
            digest=digest,
            state=f"DEPLOYMENT_STATE_{state}",
            acted_revision=acted_revision,
            # Reported while something is wrong: a long message must not be refused on top of it.
            message=str(message)[:MAX_MESSAGE],
        ),
        request_id=new_request_id(),
    )
    return Deployment.of(session.calls.unary(session.promotions.ReportDeployment, request))


def list_deployments(session: Session, model: str | None) -> Iterator[Deployment]:
    project, last = session.project.text, ""
    if model is not None:
        name = session.model(model)
        project, last = f"projects/{name.project}", name.model
    request = pb.ListDeploymentsRequest(parent=project, model=last)
    return map(Deployment.of, session.calls.pages(session.promotions.ListDeployments, request, "deployments"))
