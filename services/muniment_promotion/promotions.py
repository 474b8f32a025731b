"""Use cases that move stage pointers. They run in the writer: what they check stays true until they commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from muniment.names import ModelName, PromotionName, StageName, VersionName
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.catalog import VersionRecord, VersionState
from muniment_core.domain.errors import (
    AlreadyCurrent,
    CurrentMismatch,
    NoPreviousVersion,
    StageNotFound,
    VersionNotReady,
)
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.promotion import MoveKind, PointerRecord, PromotionRecord, StageMoveRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRequest:
    """What a caller asks for.

    Attributes:
        expected_current: number that must be current now, 0 for none; None for no check.
    """

    version: VersionName
    stage: str
    expected_current: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackRequest:
    """What a caller asks for.

    Attributes:
        to_number: version to go back to, 0 for the one before.
        expected_current: number that must be current now, 0 for none; None for no check.
    """

    stage: StageName
    to_number: int
    expected_current: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChosenRollback:
    """Where a rollback goes.

    Attributes:
        current: the pointer it starts from.
        target: the promotion that comes into effect again.
        version: the version of that promotion.
    """

    model_id: int
    current: PointerRecord
    target: StageMoveRecord
    version: VersionRecord


def check_promotion(reader: Reader, request: PromotionRequest) -> VersionRecord:
    """The version to promote, if everything that can be judged without its bytes allows it.

    Raises:
        StageNotFound: if the project has no such stage.
        VersionNotFound: if the version does not exist.
        VersionNotReady: if it is archived or deleted.
        CurrentMismatch: if another version is current than the caller believed.
        AlreadyCurrent: if it is current already.
    """
    name = request.version
    _check_stage(reader, name.of_model.stage(request.stage))
    version = reader.versions.require(name)
    if version.state is not VersionState.READY:
        raise VersionNotReady(name.text, version.state)
    model_id = reader.models.id_of(name.of_model)
    current = reader.stages.pointer(model_id, request.stage)
    _check_expected(request.stage, current, request.expected_current)
    if current is not None and current.version_id == version.id:
        raise AlreadyCurrent(name.text, request.stage)
    return version


def promote(unit: UnitOfWork, request: PromotionRequest) -> PromotionRecord:
    """Move a stage pointer to a version whose bytes were verified.

    Raises:
        As :func:`check_promotion`, whose conditions are judged again here.
    """
    version = check_promotion(unit, request)
    model = request.version.of_model
    model_id = unit.models.id_of(model)
    current = unit.stages.pointer(model_id, request.stage)
    unit.stages.point(
        model_id,
        request.stage,
        version_id=version.id,
        current=current,
        kind=MoveKind.PROMOTION,
        base_revision=current.effective_revision if current else None,
        actor=unit.actor,
        reason=request.reason,
        now=unit.now,
        revision=unit.revision,
    )
    unit.promotions.create_promoted(
        model_id,
        version.id,
        stage=request.stage,
        requester=unit.actor,
        reason=request.reason,
        previous_version_id=current.version_id if current else None,
        now=unit.now,
        revision=unit.revision,
    )
    unit.record(_entry("stage.promoted", model.stage(request.stage), version, current, request.reason))
    return unit.promotions.require(model_id, model.promotion(unit.revision))


def choose_rollback(reader: Reader, request: RollbackRequest) -> ChosenRollback:
    """The version a rollback goes to: the one below, or a named one that once was current.

    The promotions in effect form a stack: rolling back twice goes two promotions back, and promoting after a
    rollback lays the new promotion on the one that was restored.

    Raises:
        StageNotFound: if the project has no such stage.
        ModelNotFound: if the model does not exist.
        CurrentMismatch: if another version is current than the caller believed.
        NoPreviousVersion: if there is nothing to go back to.
        VersionNotReady: if the named version is archived or deleted.
        AlreadyCurrent: if the named version is current.
    """
    name = request.stage
    _check_stage(reader, name)
    model = name.of_model
    model_id = reader.models.id_of(model)
    current = reader.stages.pointer(model_id, name.stage)
    _check_expected(name.stage, current, request.expected_current)
    if current is None:
        raise NoPreviousVersion(name.stage, model.text, "no version was ever current there")
    if request.to_number:
        target, version = _named_target(reader, name, model_id, request.to_number, current)
    else:
        target, version = _target_below(reader, name, current)
    return ChosenRollback(model_id, current, target, version)


def roll_back(unit: UnitOfWork, request: RollbackRequest, verified: ChosenRollback) -> StageMoveRecord:
    """Move a stage pointer back to a version whose bytes were verified.

    Raises:
        CurrentMismatch: if the pointer moved since the version was chosen.
        VersionNotReady: if the version is no longer READY.
        As :func:`choose_rollback`, whose conditions are judged again here.
    """
    chosen = choose_rollback(unit, request)
    name = request.stage
    if chosen.current.move_revision != verified.current.move_revision:
        raise CurrentMismatch(
            f"stage {name.stage}", expected=verified.current.number, actual=chosen.current.number
        )
    if chosen.version.id != verified.version.id:
        raise VersionNotReady(verified.version.name.text, unit.versions.require(verified.version.name).state)
    unit.stages.point(
        chosen.model_id,
        name.stage,
        version_id=chosen.version.id,
        current=chosen.current,
        kind=MoveKind.ROLLBACK,
        base_revision=chosen.target.revision,
        actor=unit.actor,
        reason=request.reason,
        now=unit.now,
        revision=unit.revision,
    )
    # Auditors need not know by which rule a rollback finds what it restores.
    effective = {"effective_revision": chosen.target.revision}
    unit.record(_entry("stage.rolled_back", name, chosen.version, chosen.current, request.reason, effective))
    return unit.stages.move(unit.revision, name.of_model)


def _named_target(
    reader: Reader, name: StageName, model_id: int, number: int, current: PointerRecord
) -> tuple[StageMoveRecord, VersionRecord]:
    model = name.of_model
    version = reader.versions.require(model.version(number))
    if version.id == current.version_id:
        raise AlreadyCurrent(version.name.text, name.stage)
    if version.state is not VersionState.READY:
        raise VersionNotReady(version.name.text, version.state)
    target = reader.stages.promotion_of(model_id, model, name.stage, number=number)
    if target is None:
        raise NoPreviousVersion(
            name.stage, model.text, f"version {number} never was current there; promote it instead"
        )
    return target, version


def _target_below(
    reader: Reader, name: StageName, current: PointerRecord
) -> tuple[StageMoveRecord, VersionRecord]:
    """The nearest promotion below the one in effect whose version is another one and READY."""
    model = name.of_model
    effective = reader.stages.move(current.effective_revision, model)
    while effective.base_revision is not None:
        effective = reader.stages.move(effective.base_revision, model)
        version = reader.versions.require(model.version(effective.number))
        if version.id != current.version_id and version.state is VersionState.READY:
            return effective, version
    raise NoPreviousVersion(
        name.stage, model.text, f"no other READY version was current before version {current.number}"
    )


def get_promotion(reader: Reader, name: PromotionName) -> PromotionRecord:
    """One promotion.

    Raises:
        ModelNotFound: if the model does not exist.
        PromotionNotFound: if it has no such promotion.
    """
    return reader.promotions.require(reader.models.id_of(name.of_model), name)


def list_promotions(
    reader: Reader, model: ModelName, *, before: int | None, limit: int
) -> list[PromotionRecord]:
    """Promotions of a model, newest first.

    Raises:
        ModelNotFound: if the model does not exist.
    """
    return reader.promotions.page(reader.models.id_of(model), model, before=before, limit=limit)


def _check_stage(reader: Reader, name: StageName) -> None:
    stages = reader.projects.require(name.project).stages
    if name.stage not in stages:
        raise StageNotFound(name.stage, stages)


def _check_expected(stage: str, current: PointerRecord | None, expected: int | None) -> None:
    actual = current.number if current else 0
    if expected is not None and expected != actual:
        raise CurrentMismatch(f"stage {stage}", expected=expected, actual=actual)


def _entry(
    entry_type: str,
    stage: StageName,
    version: VersionRecord,
    current: PointerRecord | None,
    reason: str,
    data: Mapping[str, object] | None = None,
) -> EntryDraft:
    return EntryDraft(
        type=entry_type,
        project=stage.project,
        model=stage.model,
        stage=stage.stage,
        number=version.name.number,
        previous_number=current.number if current else 0,
        digest=version.digest,
        reason=reason,
        data=data or {},
    )
