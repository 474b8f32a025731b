"""Stages, how they moved, and what runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.values.edge import enum_word, time_of

if TYPE_CHECKING:
    from muniment.v1 import promotion_service_pb2


@dataclass(frozen=True, slots=True)
class Promotion:
    """A request to move a stage pointer; ``state`` ``PROMOTED``: it moved. ``previous_number`` 0: none was."""

    name: str
    version: str
    stage: str
    state: str
    requester: str
    reason: str
    previous_number: int
    create_time: datetime | None
    update_time: datetime | None
    revision: int
    digest: str
    message: promotion_service_pb2.Promotion = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: promotion_service_pb2.Promotion) -> Promotion:
        from muniment.v1 import promotion_service_pb2

        return cls(
            name=message.name,
            version=message.version,
            stage=message.stage,
            state=enum_word(promotion_service_pb2.PromotionState, message.state, "PROMOTION_STATE_"),
            requester=message.requester,
            reason=message.reason,
            previous_number=message.previous_number,
            create_time=time_of(message, "create_time"),
            update_time=time_of(message, "update_time"),
            revision=message.revision,
            digest=message.digest,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class StageMove:
    """One move of a stage pointer; ``kind`` is ``PROMOTION`` or ``ROLLBACK``."""

    stage: str
    revision: int
    kind: str
    number: int
    previous_number: int
    digest: str
    actor: str
    reason: str
    time: datetime | None
    message: promotion_service_pb2.StageMove = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: promotion_service_pb2.StageMove) -> StageMove:
        from muniment.v1 import promotion_service_pb2

        return cls(
            stage=message.stage,
            revision=message.revision,
            kind=enum_word(promotion_service_pb2.StageMoveKind, message.kind, "STAGE_MOVE_KIND_"),
            number=message.number,
            previous_number=message.previous_number,
            digest=message.digest,
            actor=message.actor,
            reason=message.reason,
            time=time_of(message, "time"),
            message=message,
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """What is current in a stage of a model.

    Attributes:
        number: the current version; 0: none.
        revision: ledger revision of the last move; 0: it never moved.
        head_revision: newest ledger revision when this was read; watch after it to follow from here.
    """

    name: str
    number: int
    digest: str
    revision: int
    actor: str
    time: datetime | None
    head_revision: int
    message: promotion_service_pb2.Stage = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: promotion_service_pb2.Stage) -> Stage:
        return cls(
            name=message.name,
            number=message.number,
            digest=message.digest,
            revision=message.revision,
            actor=message.actor,
            time=time_of(message, "time"),
            head_revision=message.head_revision,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class Deployment:
    """What a controller runs for a target; ``state`` is ``DEPLOYING``, ``RUNNING`` or ``FAILED``."""

    target: str
    model: str
    stage: str
    number: int
    digest: str
    state: str
    acted_revision: int
    status_message: str
    reporter: str
    report_time: datetime | None
    message: promotion_service_pb2.Deployment = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: promotion_service_pb2.Deployment) -> Deployment:
        from muniment.v1 import promotion_service_pb2

        return cls(
            target=message.target,
            model=message.model,
            stage=message.stage,
            number=message.number,
            digest=message.digest,
            state=enum_word(promotion_service_pb2.DeploymentState, message.state, "DEPLOYMENT_STATE_"),
            acted_revision=message.acted_revision,
            # The one field that cannot keep its name: ``message`` is the protobuf message of every value.
            status_message=message.message,
            reporter=message.reporter,
            report_time=time_of(message, "report_time"),
            message=message,
        )
