"""Stage pointers and the moves that put them where they are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment.names import ModelName
from sqlalchemy import Connection, Row, ScalarSelect, bindparam, func, insert, select, update

from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import models, stage_moves, stage_pointers, versions
from muniment_core.domain.promotion import MoveKind, PointerRecord, StageMoveRecord

_previous = versions.alias("previous")
_MOVES = (
    select(
        stage_moves,
        versions.c.number,
        versions.c.digest,
        _previous.c.number.label("previous_number"),
    )
    .join(versions, versions.c.id == stage_moves.c.version_id)
    .outerjoin(_previous, _previous.c.id == stage_moves.c.previous_version_id)
)
_POINTERS = (
    select(stage_pointers, versions.c.number, versions.c.digest, stage_moves.c.actor, stage_moves.c.time)
    .join(versions, versions.c.id == stage_pointers.c.version_id)
    .join(stage_moves, stage_moves.c.revision == stage_pointers.c.move_revision)
)
_POINTER = Prepared(
    _POINTERS.where(
        stage_pointers.c.model_id == bindparam("in_model"), stage_pointers.c.stage == bindparam("at")
    )
)


class StageStore:
    """Stage pointers on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def pointers(self, model_id: int) -> dict[str, PointerRecord]:
        """Where each stage of a model points, for those that do."""
        rows = self._connection.execute(_POINTERS.where(stage_pointers.c.model_id == model_id))
        return {row.stage: _pointer(row) for row in rows}

    def pointer(self, model_id: int, stage: str) -> PointerRecord | None:
        """Where one stage points, or None."""
        row = _POINTER.first(self._connection, in_model=model_id, at=stage)
        return None if row is None else _pointer(row)

    def move(self, revision: int, model: ModelName) -> StageMoveRecord:
        """One move by its revision, which must exist."""
        return _move(self._connection.execute(_MOVES.where(stage_moves.c.revision == revision)).one(), model)

    def promotion_of(
        self, model_id: int, model: ModelName, stage: str, *, number: int
    ) -> StageMoveRecord | None:
        """The newest promotion of a version to a stage, or None."""
        row = self._connection.execute(
            _MOVES.where(
                stage_moves.c.model_id == model_id,
                stage_moves.c.stage == stage,
                stage_moves.c.kind == MoveKind.PROMOTION,
                versions.c.number == number,
            )
            .order_by(stage_moves.c.revision.desc())
            .limit(1)
        ).one_or_none()
        return None if row is None else _move(row, model)

    def history(
        self, model_id: int, model: ModelName, *, stage: str, before: int | None, limit: int
    ) -> list[StageMoveRecord]:
        """Moves of a model's pointers, newest first, older than a revision; ``stage`` empty for all."""
        statement = _MOVES.where(stage_moves.c.model_id == model_id)
        if stage:
            statement = statement.where(stage_moves.c.stage == stage)
        if before is not None:
            statement = statement.where(stage_moves.c.revision < before)
        rows = self._connection.execute(statement.order_by(stage_moves.c.revision.desc()).limit(limit))
        return [_move(row, model) for row in rows]

    def moves_to(self, version_id: int, *, until: datetime, before: int, limit: int) -> list[int]:
        """Revisions of the newest moves that made a version current, up to a time and revision, oldest first."""
        revisions = self._connection.execute(
            select(stage_moves.c.revision)
            .where(
                stage_moves.c.model_id == _model_of(version_id),
                stage_moves.c.version_id == version_id,
                stage_moves.c.time <= until,
                stage_moves.c.revision < before,
            )
            .order_by(stage_moves.c.revision.desc())
            .limit(limit)
        )
        return sorted(revisions.scalars())

    def stages_of(self, version_id: int, *, at: datetime, before: int) -> list[str]:
        """The stages in which a version was current at a time, counting moves before a revision only."""
        last = (
            select(func.max(stage_moves.c.revision).label("revision"))
            .where(
                stage_moves.c.model_id == _model_of(version_id),
                stage_moves.c.time <= at,
                stage_moves.c.revision < before,
            )
            .group_by(stage_moves.c.stage)
            .subquery()
        )
        found = self._connection.execute(
            select(stage_moves.c.stage)
            .join(last, last.c.revision == stage_moves.c.revision)
            .where(stage_moves.c.version_id == version_id)
            .order_by(stage_moves.c.stage)
        )
        return list(found.scalars())

    def point(
        self,
        model_id: int,
        stage: str,
        *,
        version_id: int,
        current: PointerRecord | None,
        kind: MoveKind,
        base_revision: int | None,
        actor: str,
        reason: str,
        now: datetime,
        revision: int,
    ) -> None:
        """Move a pointer from ``current`` and keep the move.

        ``base_revision`` is as in :class:`StageMoveRecord`: of a rollback it is what is in effect afterwards.
        """
        effective = revision if kind is MoveKind.PROMOTION else base_revision
        self._connection.execute(
            insert(stage_moves).values(
                revision=revision,
                model_id=model_id,
                stage=stage,
                kind=kind,
                version_id=version_id,
                previous_version_id=current.version_id if current else None,
                base_revision=base_revision,
                actor=actor,
                reason=reason,
                time=now,
            )
        )
        values = {"version_id": version_id, "move_revision": revision, "effective_revision": effective}
        if current is None:
            project_id = select(models.c.project_id).where(models.c.id == model_id).scalar_subquery()
            self._connection.execute(
                insert(stage_pointers).values(model_id=model_id, project_id=project_id, stage=stage, **values)
            )
        else:
            self._connection.execute(
                update(stage_pointers)
                .where(stage_pointers.c.model_id == model_id, stage_pointers.c.stage == stage)
                .values(values)
            )


def _model_of(version_id: int) -> ScalarSelect[int]:
    return select(versions.c.model_id).where(versions.c.id == version_id).scalar_subquery()


def _pointer(row: Any) -> PointerRecord:
    return PointerRecord(
        version_id=row.version_id,
        number=row.number,
        digest=row.digest,
        move_revision=row.move_revision,
        effective_revision=row.effective_revision,
        actor=row.actor,
        time=row.time,
    )


def _move(row: Row[Any], model: ModelName) -> StageMoveRecord:
    return StageMoveRecord(
        revision=row.revision,
        stage=model.stage(row.stage),
        kind=MoveKind(row.kind),
        version_id=row.version_id,
        number=row.number,
        previous_number=row.previous_number or 0,
        digest=row.digest,
        base_revision=row.base_revision,
        actor=row.actor,
        reason=row.reason,
        time=row.time,
    )
