"""Stages, promotions and deployments, as pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from muniment.names import ModelName, StageName, VersionName


class PromotionState(StrEnum):
    """Where a promotion stands."""

    PENDING = "PENDING"
    APPROVED = "APPROVED"
    PROMOTED = "PROMOTED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"


class MoveKind(StrEnum):
    """How a stage pointer moved."""

    PROMOTION = "PROMOTION"
    ROLLBACK = "ROLLBACK"


class DeploymentState(StrEnum):
    """What a target does."""

    DEPLOYING = "DEPLOYING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMoveRecord:
    """One move of a stage pointer.

    Attributes:
        version_id: key of the version that became current.
        previous_number: number of the version that was current before, 0 for none.
        base_revision: for a promotion, the promotion that was in effect below it; for a rollback, the
            promotion it brought back into effect.
    """

    revision: int
    stage: StageName
    kind: MoveKind
    version_id: int
    number: int
    previous_number: int
    digest: str
    base_revision: int | None
    actor: str
    reason: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerRecord:
    """Where a stage points.

    Attributes:
        effective_revision: the promotion in effect, which a rollback takes off.
    """

    version_id: int
    number: int
    digest: str
    move_revision: int
    effective_revision: int
    actor: str
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """A request to move a stage pointer."""

    revision: int
    version: VersionName
    digest: str
    stage: str
    state: PromotionState
    requester: str
    reason: str
    previous_number: int
    create_time: datetime
    update_time: datetime
    state_revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """What a controller runs for a target."""

    target: str
    model: ModelName
    stage: str
    number: int
    digest: str
    state: DeploymentState
    acted_revision: int
    message: str
    reporter: str
    report_time: datetime
