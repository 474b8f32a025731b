"""From promotion messages to values and back."""

from __future__ import annotations

from datetime import datetime

from muniment.digests import Digest
from muniment.names import ModelName, ProjectName, check_pointer_name
from muniment.v1 import promotion_service_pb2 as pb
from muniment_core.domain.errors import InvalidField, InvalidName
from muniment_core.domain.limits import MAX_REASON
from muniment_core.domain.promotion import DeploymentRecord, DeploymentState, PromotionRecord, StageMoveRecord
from muniment_core.rpc.convert import digest, name, parse, text, timestamp

from muniment_promotion.stages import StageView


def stage_name(field: str, value: str) -> str:
    """The name of a stage in a request."""
    return parse(field, lambda stage: check_pointer_name("stage", stage), value)


def expected_current(request: pb.RequestPromotionRequest | pb.RollbackRequest) -> int | None:
    """The number that must be current, or None for no check.

    Raises:
        InvalidField: if it is negative.
    """
    if not request.HasField("expected_current"):
        return None
    if request.expected_current < 0:
        raise InvalidField(
            "expected_current", f"is {request.expected_current}; give a version number, or 0 for none"
        )
    return request.expected_current


def deployment(
    parent: ProjectName, message: pb.Deployment, *, reporter: str, now: datetime
) -> DeploymentRecord:
    """A report, checked; ``now`` is when it was asked for.

    Raises:
        InvalidField, InvalidName, LimitExceeded: naming the field.
    """
    model = parse("deployment.model", ModelName.parse, message.model)
    if model.project != parent.project:
        raise InvalidName("deployment.model", model.text, f"{model.text} is not of {parent.text}")
    if message.state not in pb.DeploymentState.values() or message.state == pb.DEPLOYMENT_STATE_UNSPECIFIED:
        raise InvalidField("deployment.state", "is required: DEPLOYING, RUNNING or FAILED")
    if message.number < 0:
        raise InvalidField("deployment.number", f"is {message.number}; give a version number, or 0 for none")
    if message.acted_revision < 0:
        raise InvalidField("deployment.acted_revision", f"is {message.acted_revision}, while 0 is the least")
    actual: Digest | None = digest("deployment.digest", message.digest) if message.digest else None
    return DeploymentRecord(
        target=name("deployment.target", "target", message.target),
        model=model,
        stage=stage_name("deployment.stage", message.stage),
        number=message.number,
        digest=actual.text if actual else "",
        state=DeploymentState(pb.DeploymentState.Name(message.state).removeprefix("DEPLOYMENT_STATE_")),
        acted_revision=message.acted_revision,
        message=text("deployment.message", message.message, MAX_REASON),
        reporter=reporter,
        report_time=now,
    )


def promotion_message(promotion: PromotionRecord) -> pb.Promotion:
    """A promotion for an answer."""
    return pb.Promotion(
        name=promotion.version.of_model.promotion(promotion.revision).text,
        version=promotion.version.text,
        digest=promotion.digest,
        stage=promotion.stage,
        state=f"PROMOTION_STATE_{promotion.state}",
        requester=promotion.requester,
        reason=promotion.reason,
        previous_number=promotion.previous_number,
        create_time=timestamp(promotion.create_time),
        update_time=timestamp(promotion.update_time),
        revision=promotion.state_revision,
    )


def move_message(move: StageMoveRecord) -> pb.StageMove:
    """A move for an answer."""
    return pb.StageMove(
        stage=move.stage.text,
        revision=move.revision,
        kind=f"STAGE_MOVE_KIND_{move.kind}",
        number=move.number,
        previous_number=move.previous_number,
        digest=move.digest,
        actor=move.actor,
        reason=move.reason,
        time=timestamp(move.time),
    )


def stage_message(view: StageView) -> pb.Stage:
    """A stage for an answer."""
    pointer = view.pointer
    if pointer is None:
        return pb.Stage(name=view.name.text, head_revision=view.head_revision)
    return pb.Stage(
        name=view.name.text,
        number=pointer.number,
        digest=pointer.digest,
        revision=pointer.move_revision,
        actor=pointer.actor,
        time=timestamp(pointer.time),
        head_revision=view.head_revision,
    )


def deployment_message(report: DeploymentRecord) -> pb.Deployment:
    """A deployment for an answer."""
    return pb.Deployment(
        target=report.target,
        model=report.model.text,
        stage=report.stage,
        number=report.number,
        digest=report.digest,
        state=f"DEPLOYMENT_STATE_{report.state}",
        acted_revision=report.acted_revision,
        message=report.message,
        reporter=report.reporter,
        report_time=timestamp(report.report_time),
    )
