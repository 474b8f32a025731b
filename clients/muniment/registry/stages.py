"""Stages: promoting, rolling back, and what was where."""

from __future__ import annotations

from collections.abc import Iterator

from muniment.errors import InvalidArgument
from muniment.registry.session import Session, built, new_request_id, parsed
from muniment.registry.versions import resource_name
from muniment.v1 import promotion_service_pb2 as pb
from muniment.values import Promotion, Stage, StageMove, Version

MOVE_TIMEOUT = 900.0
"""Unless another timeout was chosen: before a pointer moves, the registry reads all bytes of the version once."""


def promote(
    session: Session,
    version: Version | str,
    *,
    to: str,
    expected_current: int | None,
    reason: str,
    request_id: str,
) -> Promotion:
    request = built(
        pb.RequestPromotionRequest,
        version=resource_name(session, version).text,
        stage=to,
        expected_current=expected_current,
        reason=reason,
        request_id=request_id or new_request_id(),
    )
    timeout = session.calls.patience(MOVE_TIMEOUT)
    return Promotion.of(session.calls.unary(session.promotions.RequestPromotion, request, timeout=timeout))


def rollback(
    session: Session,
    model: str,
    *,
    stage: str,
    to: int | str | Version | None,
    expected_current: int | None,
    reason: str,
    request_id: str,
) -> StageMove:
    of_model = session.model(model)
    name = parsed(lambda: of_model.stage(stage))
    number = 0
    if isinstance(to, int):
        if to < 1:
            raise InvalidArgument(f"version number {to} does not exist: versions are numbered from 1")
        number = to
    elif to is not None:
        text = f"{of_model.project}/{of_model.model}@{to}" if isinstance(to, str) and "@" not in to else to
        target = resource_name(session, text)
        if target.of_model != of_model:
            raise InvalidArgument(
                f"model {of_model.model!r} cannot go back to {target.text} of another model"
            )
        number = target.number
    request = built(
        pb.RollbackRequest,
        stage=name.text,
        to_number=number,
        expected_current=expected_current,
        reason=reason,
        request_id=request_id or new_request_id(),
    )
    timeout = session.calls.patience(MOVE_TIMEOUT)
    return StageMove.of(session.calls.unary(session.promotions.Rollback, request, timeout=timeout))


def list_stages(session: Session, model: str) -> list[Stage]:
    request = pb.ListStagesRequest(parent=session.model(model).text)
    return [Stage.of(stage) for stage in session.calls.unary(session.promotions.ListStages, request).stages]


def get_stage(session: Session, model: str, stage: str) -> Stage:
    of_model = session.model(model)
    name = parsed(lambda: of_model.stage(stage))
    return Stage.of(session.calls.unary(session.promotions.GetStage, pb.GetStageRequest(name=name.text)))


def history(session: Session, model: str, stage: str) -> Iterator[StageMove]:
    request = built(pb.ListStageHistoryRequest, parent=session.model(model).text, stage=stage)
    return map(StageMove.of, session.calls.pages(session.promotions.ListStageHistory, request, "moves"))
