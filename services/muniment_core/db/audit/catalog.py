"""Every other table whose content the ledger tells, each joined with the names its keys stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, select

from muniment_core.db.artifact_tables import manifests
from muniment_core.db.audit.reading import raw, raw_columns, stream
from muniment_core.db.history_tables import alias_moves, version_state_moves
from muniment_core.db.search_tables import version_metric_summaries
from muniment_core.db.signature_tables import version_signatures
from muniment_core.db.tables import (
    aliases,
    deployments,
    model_tags,
    models,
    project_stages,
    projects,
    promotions,
    stage_moves,
    stage_pointers,
    tokens,
    version_datasets,
    version_metrics,
    version_params,
    version_parents,
    version_tags,
    versions,
)

_previous = versions.alias("previous")
_parent, _parent_model, _parent_project = (
    versions.alias("parent"),
    models.alias("parent_model"),
    projects.alias("parent_project"),
)
_PROJECT = raw(projects.c.name).label("in_project")
_MODEL = raw(models.c.name).label("in_model")
_MODEL_PROJECT = raw(models.c.project_id).label("model_project")
_NUMBER = raw(versions.c.number).label("of_number")
_PREVIOUS = raw(_previous.c.number).label("of_previous")

# Outer joins throughout: a row whose key leads nowhere must be seen, not left out.
_IN_MODEL = models.outerjoin(projects, projects.c.id == models.c.project_id)


def _of_model(table: Table) -> Any:
    return table.outerjoin(_IN_MODEL, models.c.id == table.c.model_id)


def _of_version(table: Table) -> Any:
    return _of_model(table).outerjoin(versions, versions.c.id == table.c.version_id)


def _moving(table: Table) -> Any:
    return _of_version(table).outerjoin(_previous, _previous.c.id == table.c.previous_version_id)


def _children(table: Table, owner: str, *order: str) -> Select[Any]:
    return select(*raw_columns(table)).order_by(table.c[owner], *(table.c[name] for name in order))


_STATEMENTS: dict[str, Select[Any]] = {
    "projects": select(*raw_columns(projects)).order_by(projects.c.id),
    "project_stages": _children(project_stages, "project_id", "position"),
    "tokens": select(*raw_columns(tokens), _PROJECT)
    .select_from(tokens.outerjoin(projects, projects.c.id == tokens.c.project_id))
    .order_by(tokens.c.id),
    "models": select(*raw_columns(models), _PROJECT).select_from(_IN_MODEL).order_by(models.c.id),
    "model_tags": _children(model_tags, "model_id", "key"),
    "versions": select(
        *raw_columns(versions),
        _PROJECT,
        _MODEL,
        _MODEL_PROJECT,
        raw(manifests.c.size_bytes).label("manifest_size"),
        raw(manifests.c.file_count).label("manifest_files"),
        raw(manifests.c.tier).label("manifest_tier"),
    )
    .select_from(
        _of_model(versions).outerjoin(
            manifests,
            (manifests.c.project_id == models.c.project_id) & (manifests.c.digest == versions.c.digest),
        )
    )
    .order_by(versions.c.id),
    "version_tags": _children(version_tags, "version_id", "key"),
    "version_metric_summaries": _children(version_metric_summaries, "version_id", "key"),
    "version_params": _children(version_params, "version_id", "key"),
    "version_signatures": _children(version_signatures, "version_id"),
    "version_datasets": _children(version_datasets, "version_id", "position"),
    "version_metrics": _children(version_metrics, "version_id", "id"),
    "version_parents": select(
        *raw_columns(version_parents),
        raw(_parent.c.number).label("of_number"),
        raw(_parent_model.c.name).label("in_model"),
        raw(_parent_project.c.name).label("in_project"),
    )
    .select_from(
        version_parents.outerjoin(_parent, _parent.c.id == version_parents.c.parent_id)
        .outerjoin(_parent_model, _parent_model.c.id == _parent.c.model_id)
        .outerjoin(_parent_project, _parent_project.c.id == _parent_model.c.project_id)
    )
    .order_by(version_parents.c.version_id, version_parents.c.position),
    "aliases": select(
        *raw_columns(aliases),
        _PROJECT,
        _MODEL,
        _MODEL_PROJECT,
        _NUMBER,
        raw(versions.c.model_id).label("version_model"),
    ).select_from(_of_version(aliases)),
    "alias_moves": select(
        *raw_columns(alias_moves), _PROJECT, _MODEL, _NUMBER, raw(versions.c.model_id).label("version_model")
    ).select_from(_of_version(alias_moves)),
    "version_state_moves": select(*raw_columns(version_state_moves), _PROJECT, _MODEL, _NUMBER).select_from(
        version_state_moves.outerjoin(versions, versions.c.id == version_state_moves.c.version_id).outerjoin(
            _IN_MODEL, models.c.id == versions.c.model_id
        )
    ),
    "stage_pointers": select(
        *raw_columns(stage_pointers),
        _PROJECT,
        _MODEL,
        _MODEL_PROJECT,
        _NUMBER,
        raw(versions.c.model_id).label("version_model"),
    ).select_from(_of_version(stage_pointers)),
    "stage_moves": select(
        *raw_columns(stage_moves),
        _PROJECT,
        _MODEL,
        _NUMBER,
        _PREVIOUS,
        raw(versions.c.model_id).label("version_model"),
        raw(_previous.c.model_id).label("previous_model"),
    ).select_from(_moving(stage_moves)),
    "promotions": select(
        *raw_columns(promotions),
        _PROJECT,
        _MODEL,
        _NUMBER,
        _PREVIOUS,
        raw(versions.c.model_id).label("version_model"),
        raw(_previous.c.model_id).label("previous_model"),
    ).select_from(_moving(promotions)),
    "deployments": select(*raw_columns(deployments), _PROJECT, _MODEL, _MODEL_PROJECT).select_from(
        _of_model(deployments)
    ),
}


class CatalogRows:
    """The catalog's tables on one connection, as streams.

    Beside their own columns rows have ``in_project``, ``in_model``, ``of_number`` and ``of_previous``: the names
    and numbers their keys lead to, None where they lead nowhere. Rows that belong to others come in the order of
    their owners' keys, and these in that of their own.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, table: str) -> Iterator[Row[Any]]:
        """The rows of a table."""
        return stream(self._connection, _STATEMENTS[table])
