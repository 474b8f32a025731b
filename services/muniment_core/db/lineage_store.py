"""Edges of the lineage graph, a whole level of it at a time.

Every question takes the nodes of a level and answers with at most ``limit`` edges, so a walk costs a few
statements for each level whatever its width, and never holds more than was asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from muniment.names import VersionName
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, select

from muniment_core.db.tables import (
    models,
    projects,
    stage_pointers,
    version_datasets,
    version_parents,
    versions,
)
from muniment_core.domain.catalog import ParentRelation, VersionState
from muniment_core.domain.lineage import CodeNode, DatasetNode, RunNode, VersionNode

# One shape of statement is compiled once whatever the width of a level, and stays below the limits of parameters.
_SLICE = 500

_FACTS = (
    versions.c.id,
    versions.c.number,
    versions.c.digest,
    versions.c.state,
    versions.c.create_time,
    versions.c.code_repository,
    versions.c.code_commit,
    versions.c.run_id,
    models.c.name.label("model"),
    projects.c.name.label("project"),
)
_VERSIONS: Select[Any] = (
    select(*_FACTS)
    .select_from(versions)
    .join(models, models.c.id == versions.c.model_id)
    .join(projects, projects.c.id == models.c.project_id)
)
_PARENTS = (
    _VERSIONS.add_columns(version_parents.c.version_id, version_parents.c.relation)
    .join(version_parents, version_parents.c.parent_id == versions.c.id)
    .where(version_parents.c.version_id.in_(bindparam("versions", expanding=True)))
    .order_by(version_parents.c.version_id, version_parents.c.position)
    .limit(bindparam("limit"))
)
_CHILDREN = (
    _VERSIONS.add_columns(version_parents.c.parent_id, version_parents.c.relation)
    .join(version_parents, version_parents.c.version_id == versions.c.id)
    .where(version_parents.c.parent_id.in_(bindparam("versions", expanding=True)))
    .order_by(version_parents.c.version_id, version_parents.c.position)
    .limit(bindparam("limit"))
)
_DATASET = (
    version_datasets.c.name.label("dataset"),
    version_datasets.c.version.label("dataset_version"),
    version_datasets.c.digest.label("dataset_digest"),
    version_datasets.c.role,
)
_DATASETS = (
    select(version_datasets.c.version_id, *_DATASET)
    .where(version_datasets.c.version_id.in_(bindparam("versions", expanding=True)))
    .order_by(version_datasets.c.version_id, version_datasets.c.position)
    .limit(bindparam("limit"))
)
_STAGES = (
    select(stage_pointers.c.version_id, stage_pointers.c.stage)
    .where(stage_pointers.c.version_id.in_(bindparam("versions", expanding=True)))
    .order_by(stage_pointers.c.stage)
)


@dataclass(frozen=True, slots=True)
class ParentEdge:
    """An edge between two versions, of which the end that was asked about is known by its key alone."""

    known_id: int
    found: VersionNode
    relation: ParentRelation


@dataclass(frozen=True, slots=True)
class DatasetEdge:
    """An edge from a version, known by its key, to a data set."""

    version_id: int
    dataset: DatasetNode
    role: str


class LineageStore:
    """Reads edges on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def version(self, name: VersionName) -> VersionNode | None:
        """One version, tombstones included, or None."""
        row = self._connection.execute(
            _VERSIONS.where(
                projects.c.name == name.project,
                models.c.name == name.model,
                versions.c.number == name.number,
            )
        ).one_or_none()
        return None if row is None else _version(row)

    def parents_of(self, version_ids: Sequence[int], *, limit: int) -> list[ParentEdge]:
        """Edges from versions to their parents, by child and in the order it names them."""
        return [
            ParentEdge(row.version_id, _version(row), ParentRelation(row.relation))
            for row in self._sliced(_PARENTS, version_ids, limit)
        ]

    def children_of(
        self, version_ids: Sequence[int], *, in_projects: frozenset[str] | None, limit: int
    ) -> list[ParentEdge]:
        """Edges from children in some projects (None: in all) to versions, oldest child first."""
        statement = _CHILDREN.where(*_in_projects(in_projects))
        return [
            ParentEdge(row.parent_id, _version(row), ParentRelation(row.relation))
            for row in self._sliced(statement, version_ids, limit)
        ]

    def datasets_of(self, version_ids: Sequence[int], *, limit: int) -> list[DatasetEdge]:
        """Edges from versions to their data sets, by version and in the order it names them."""
        return [
            DatasetEdge(row.version_id, _dataset(row), row.role)
            for row in self._sliced(_DATASETS, version_ids, limit)
        ]

    def users_of_dataset(
        self, like: DatasetNode, *, in_projects: frozenset[str] | None, limit: int
    ) -> list[tuple[VersionNode, DatasetEdge]]:
        """Versions in some projects that name a data set like one, oldest first; its empty facts do not count."""
        facts = (
            (version_datasets.c.name, like.name),
            (version_datasets.c.version, like.version),
            (version_datasets.c.digest, like.digest),
        )
        statement = (
            _VERSIONS.add_columns(*_DATASET)
            .join(version_datasets, version_datasets.c.version_id == versions.c.id)
            .where(*(column == fact for column, fact in facts if fact), *_in_projects(in_projects))
            .order_by(version_datasets.c.version_id, version_datasets.c.position)
            .limit(limit)
        )
        return [
            (_version(row), DatasetEdge(row.id, _dataset(row), row.role))
            for row in self._connection.execute(statement)
        ]

    def built_by(
        self, like: CodeNode, *, in_projects: frozenset[str] | None, limit: int
    ) -> list[VersionNode]:
        """Versions in some projects built by a commit, of any repository when that is empty, oldest first."""
        statement = _VERSIONS.where(versions.c.code_commit == like.commit, *_in_projects(in_projects))
        if like.repository:
            statement = statement.where(versions.c.code_repository == like.repository)
        rows = self._connection.execute(statement.order_by(versions.c.id).limit(limit))
        return [_version(row) for row in rows]

    def stages_of(self, version_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The stages in which versions are current, for those that are in any."""
        found: dict[int, list[str]] = defaultdict(list)
        for part in _slices(version_ids):
            for row in self._connection.execute(_STAGES, {"versions": part}):
                found[row.version_id].append(row.stage)
        return {version_id: tuple(stages) for version_id, stages in found.items()}

    def _sliced(self, statement: Select[Any], version_ids: Sequence[int], limit: int) -> Iterator[Row[Any]]:
        for part in _slices(version_ids):
            if limit <= 0:
                return
            rows = self._connection.execute(statement, {"versions": part, "limit": limit}).all()
            limit -= len(rows)
            yield from rows


def _in_projects(names: frozenset[str] | None) -> tuple[ColumnElement[bool], ...]:
    return () if names is None else (projects.c.name.in_(sorted(names)),)


def _slices(version_ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(version_ids), _SLICE):
        yield version_ids[start : start + _SLICE]


def _dataset(row: Row[Any]) -> DatasetNode:
    return DatasetNode(row.dataset, row.dataset_version, row.dataset_digest)


def _version(row: Row[Any]) -> VersionNode:
    has_code = row.code_repository or row.code_commit
    return VersionNode(
        id=row.id,
        name=VersionName(row.project, row.model, row.number),
        digest=row.digest,
        state=VersionState(row.state),
        create_time=row.create_time,
        code=CodeNode(row.code_repository, row.code_commit) if has_code else None,
        run=RunNode(row.project, row.run_id) if row.run_id else None,
    )
