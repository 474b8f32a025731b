"""Use cases that read where stages point and how they came there."""

from __future__ import annotations

from dataclasses import dataclass

from muniment.names import ModelName, StageName
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.errors import StageNotFound
from muniment_core.domain.promotion import PointerRecord, StageMoveRecord


@dataclass(frozen=True, slots=True)
class StageView:
    """What is current in a stage.

    Attributes:
        pointer: None when nothing is.
        head_revision: newest ledger revision of the snapshot this was read from.
    """

    name: StageName
    pointer: PointerRecord | None
    head_revision: int


def list_stages(reader: Reader, model: ModelName) -> list[StageView]:
    """All stages of a model, in promotion order.

    Raises:
        ProjectNotFound: if the model's project does not exist.
        ModelNotFound: if the model does not exist.
    """
    stages = reader.projects.require(model.project).stages
    pointers = reader.stages.pointers(reader.models.id_of(model))
    head = reader.ledger.size()
    return [StageView(model.stage(stage), pointers.get(stage), head) for stage in stages]


def get_stage(reader: Reader, name: StageName) -> StageView:
    """One stage of a model.

    Raises:
        ModelNotFound: if the model does not exist.
        StageNotFound: if the project has no such stage.
    """
    stages = reader.projects.require(name.project).stages
    if name.stage not in stages:
        raise StageNotFound(name.stage, stages)
    model_id = reader.models.id_of(name.of_model)
    return StageView(name, reader.stages.pointer(model_id, name.stage), reader.ledger.size())


def stage_history(
    reader: Reader, model: ModelName, *, stage: str, before: int | None, limit: int
) -> list[StageMoveRecord]:
    """Moves of a model's stage pointers, newest first; ``stage`` empty for all.

    Raises:
        ModelNotFound: if the model does not exist.
        StageNotFound: if the project has no such stage.
    """
    stages = reader.projects.require(model.project).stages
    if stage and stage not in stages:
        raise StageNotFound(stage, stages)
    return reader.stages.history(reader.models.id_of(model), model, stage=stage, before=before, limit=limit)
