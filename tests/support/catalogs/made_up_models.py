"""A model as a test makes it up, and a project of them written through the stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from muniment.names import ModelName
from muniment_core.db.batch import Batch
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.catalog import FrozenRecord, ModelState, NewVersion
from muniment_core.domain.promotion import MoveKind
from muniment_core.domain.search import Field
from sqlalchemy import Connection

from catalogs.made_up import BEGIN, MadeUp, at


@dataclass(frozen=True, kw_only=True)
class MadeUpModel:
    """One model.

    Attributes:
        created, updated: hours after the first of November.
        versions: how many it has.
        stages: those in which its newest version is current, if it has any.
    """

    name: str = "a"
    state: ModelState = ModelState.ACTIVE
    description: str = ""
    creator: str = "ann"
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: int = 0
    stages: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class PlacedModel:
    """A made up model where it came to stand."""

    made_up: MadeUpModel
    id: int

    def values(self, field: Field) -> list[Any]:
        """What it has in a field; nothing where it is missing."""
        one = self.made_up
        match field.name:
            case "name":
                return [one.name]
            case "description":
                return [one.description] if one.description else []
            case "creator":
                return [one.creator]
            case "state":
                return [one.state.value]
            case "latest_number":
                return [one.versions]
            case "create_time":
                return [at(one.created)]
            case "update_time":
                return [at(one.updated)]
            case "tags":
                return [one.tags[field.key]] if field.key in one.tags else []
            case "stage":
                return sorted(one.stages) if one.versions else []
        raise AssertionError(field)


def write_models(
    connection: Connection, project: str, made_up: Sequence[MadeUpModel]
) -> tuple[int, list[PlacedModel]]:
    """Write models into a new project; its key, and the models in the order of their creation."""
    unit = UnitOfWork(Batch(connection, single=True), BEGIN, actor="tester", revision=1)
    record = unit.projects.create(project, description="", now=BEGIN, revision=1)
    placed = []
    for one in made_up:
        name = ModelName(project, one.name)
        model = unit.models.create(
            name,
            project_id=record.id,
            description="",
            tags={},
            creator=one.creator,
            now=at(one.created),
            revision=1,
        )
        version_ids = [_add_version(unit, name, model.id, record.id) for _ in range(one.versions)]
        for place, stage in enumerate(one.stages if version_ids else ()):
            unit.stages.point(
                model.id,
                stage,
                version_id=version_ids[-1],
                current=None,
                kind=MoveKind.PROMOTION,
                base_revision=None,
                actor="ann",
                reason="",
                now=BEGIN,
                revision=10 * model.id + place,
            )
        unit.models.change(
            model,
            now=at(one.updated),
            revision=1,
            description=one.description,
            tags=dict(one.tags),
            state=one.state,
        )
        placed.append(PlacedModel(made_up=one, id=model.id))
    return record.id, placed


def _add_version(unit: UnitOfWork, name: ModelName, model_id: int, project_id: int) -> int:
    frozen = FrozenRecord()
    return unit.versions.create(
        name,
        unit.models.next_number(model_id),
        NewVersion(digest=MadeUp().digest, description="", tags={}, frozen=frozen, metrics=()),
        model_id=model_id,
        project_id=project_id,
        record=frozen.to_bytes(),
        parent_ids=[],
        size_bytes=0,
        file_count=1,
        author="ann",
        now=BEGIN,
        revision=1,
    ).id
