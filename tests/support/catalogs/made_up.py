"""A version as a test makes it up, and a project of them written through the stores."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from muniment.names import ModelName
from muniment_core.db.batch import Batch
from muniment_core.db.unit_of_work import UnitOfWork
from muniment_core.domain.catalog import (
    Code,
    Dataset,
    FrozenRecord,
    MetricValue,
    NewVersion,
    Parent,
    ParentRelation,
    Run,
    VersionState,
)
from muniment_core.domain.promotion import MoveKind
from muniment_core.domain.search import Aspect, Field
from sqlalchemy import Connection

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """One version.

    Attributes:
        content: its digest is made from this.
        created, updated: hours after the first of November.
        metrics: values in the order they are added; the first ``at_birth`` with the version itself.
        parents: places of earlier versions in the catalog, modulo how many there are.
    """

    model: str = "a"
    content: str = ""
    state: VersionState = VersionState.READY
    description: str = ""
    author: str = "ann"
    created: int = 0
    updated: int = 0
    size_bytes: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str | float] = field(default_factory=dict)
    metrics: Sequence[tuple[str, float]] = ()
    at_birth: int = 0
    datasets: Sequence[Dataset] = ()
    parents: Sequence[tuple[int, ParentRelation]] = ()
    code: Code | None = None
    run: Run | None = None
    aliases: Sequence[str] = ()
    stages: Sequence[str] = ()

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A made up version where it came to stand."""

    made_up: MadeUp
    id: int
    number: int
    parent_names: tuple[str, ...]
    relations: tuple[str, ...]
    stages: frozenset[str]
    aliases: frozenset[str]

    def values(self, field: Field) -> list[Any]:
        """What it has in a field; nothing where it is missing."""
        one = self.made_up
        match field.name:
            case "model":
                return [one.model]
            case "number":
                return [self.number]
            case "digest":
                return [one.digest]
            case "state":
                return [one.state.value]
            case "stage":
                return sorted(self.stages)
            case "alias":
                return sorted(self.aliases)
            case "description":
                return [one.description] if one.description else []
            case "author":
                return [one.author]
            case "create_time":
                return [at(one.created)]
            case "update_time":
                return [at(one.updated)]
            case "size_bytes":
                return [one.size_bytes]
            case "tags":
                return [one.tags[field.key]] if field.key in one.tags else []
            case "params":
                return [one.params[field.key]] if field.key in one.params else []
            case "metrics":
                return self._metric(field)
            case "dataset.name":
                return [dataset.name for dataset in one.datasets]
            case "dataset.version":
                return [dataset.version for dataset in one.datasets if dataset.version]
            case "dataset.digest":
                return [dataset.digest for dataset in one.datasets if dataset.digest]
            case "parent":
                return list(self.parent_names)
            case "parent.relation":
                return list(self.relations)
            case "code.commit":
                return [one.code.commit] if one.code and one.code.commit else []
            case "code.repository":
                return [one.code.repository] if one.code and one.code.repository else []
            case "run.id":
                return [one.run.id] if one.run and one.run.id else []
        raise AssertionError(field)

    def _metric(self, field: Field) -> list[float]:
        taken = [value for key, value in self.made_up.metrics if key == field.key]
        if not taken or field.aspect is Aspect.LATEST:
            return taken[-1:]
        numbers = [value for value in taken if not math.isnan(value)]
        if not numbers:
            return [math.nan]
        return [min(numbers) if field.aspect is Aspect.LOWEST else max(numbers)]


def at(hours: int) -> datetime:
    """A time of a made up version."""
    return BEGIN + timedelta(hours=hours)


def write(connection: Connection, project: str, made_up: Sequence[MadeUp]) -> tuple[int, list[Placed]]:
    """Write versions into a new project; its key, and the versions in the order of their creation."""
    unit = UnitOfWork(Batch(connection, single=True), BEGIN, actor="tester", revision=1)
    record = unit.projects.create(project, description="", now=BEGIN, revision=1)
    models: dict[str, int] = {}
    placed: list[Placed] = []
    revision = 1_000 * record.id
    for one in made_up:
        name = ModelName(project, one.model)
        if one.model not in models:
            models[one.model] = unit.models.create(
                name, project_id=record.id, description="", tags={}, creator="ann", now=BEGIN, revision=1
            ).id
        parents = [(placed[index % len(placed)], relation) for index, relation in one.parents if placed]
        values = [MetricValue(key, value, 0, "", "ann", BEGIN) for key, value in one.metrics]
        number = unit.models.next_number(models[one.model])
        frozen = FrozenRecord(
            params=dict(sorted(one.params.items())),
            datasets=tuple(one.datasets),
            parents=tuple(
                Parent(ModelName(project, parent.made_up.model).version(parent.number), relation)
                for parent, relation in parents
            ),
            code=one.code,
            run=one.run,
        )
        version = unit.versions.create(
            name,
            number,
            NewVersion(
                digest=one.digest,
                description=one.description,
                tags=one.tags,
                frozen=frozen,
                metrics=tuple(values[: one.at_birth]),
            ),
            model_id=models[one.model],
            project_id=record.id,
            record=frozen.to_bytes(),
            parent_ids=[parent.id for parent, _ in parents],
            size_bytes=one.size_bytes,
            file_count=1,
            author=one.author,
            now=at(one.created),
            revision=1,
        )
        for value in values[one.at_birth :]:
            unit.metrics.add(version.id, [value], revision=1)
        unit.versions.change(version, now=at(one.updated), revision=1, tags=dict(one.tags), state=one.state)
        for stage in one.stages:
            revision += 1
            unit.stages.point(
                models[one.model],
                stage,
                version_id=version.id,
                current=unit.stages.pointer(models[one.model], stage),
                kind=MoveKind.PROMOTION,
                base_revision=None,
                actor="ann",
                reason="",
                now=BEGIN,
                revision=revision,
            )
        for alias in one.aliases:
            revision += 1
            known = unit.aliases.get(models[one.model], name, alias) is not None
            unit.aliases.point(
                models[one.model],
                alias,
                version_id=version.id,
                exists=known,
                actor="ann",
                now=BEGIN,
                revision=revision,
            )
        placed = [
            _without(other, one.stages, one.aliases) if other.made_up.model == one.model else other
            for other in placed
        ]
        placed.append(
            Placed(
                made_up=one,
                id=version.id,
                number=number,
                parent_names=tuple(
                    ModelName(project, parent.made_up.model).version(parent.number).text
                    for parent, _ in parents
                ),
                relations=tuple(relation.name for _, relation in parents),
                stages=frozenset(one.stages),
                aliases=frozenset(one.aliases),
            )
        )
    return record.id, placed


def _without(placed: Placed, stages: Sequence[str], aliases: Sequence[str]) -> Placed:
    """A version after another one of its model took over some of its pointers."""
    return Placed(
        made_up=placed.made_up,
        id=placed.id,
        number=placed.number,
        parent_names=placed.parent_names,
        relations=placed.relations,
        stages=placed.stages - set(stages),
        aliases=placed.aliases - set(aliases),
    )
