"""What can be searched for, versions and models, and where their fields are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Table, literal_column, select

from muniment_core.db.search.sources import PROJECT, Child, OfModel, Own, Parameter, Source
from muniment_core.db.search_tables import version_metric_summaries
from muniment_core.db.tables import (
    aliases,
    model_tags,
    models,
    stage_pointers,
    version_datasets,
    version_params,
    version_parents,
    version_tags,
    versions,
)
from muniment_core.domain.search import Field


def _named(name: str) -> Any:
    return lambda _field, _value: name


def _aspect(field: Field, _value: object) -> str:
    return field.aspect.value


def _text_or_number(_field: Field, value: object) -> str:
    return "text" if isinstance(value, Parameter) and value.is_text else "number"


def _child(table: Table, column: str, **facts: Any) -> Child:
    return Child(table, "version_id", _named(column), **facts)


def _first_parent(version: FromClause) -> list[ColumnElement[Any]]:
    """Name of the model and number of a version's first parent in their order.

    Parents of other projects do not count, whoever asks: an order tells what it goes by, and so does a page token.
    """
    parent, model = versions.alias(), models.alias()
    found = (
        select(model.c.name, parent.c.number)
        .select_from(version_parents.join(parent, parent.c.id == version_parents.c.parent_id))
        .join(model, model.c.id == parent.c.model_id)
        .where(version_parents.c.version_id == version.c.id, parent.c.project_id == PROJECT)
        .order_by(model.c.name, parent.c.number)
        .limit(literal_column("1"))
        .correlate(version)
    )
    return [found.with_only_columns(column).scalar_subquery() for column in (model.c.name, parent.c.number)]


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A kind of resource that can be searched for.

    Attributes:
        table: one row for each; ``id`` grows in the order of their creation.
        fields: where the fields are, by name.
        ordered: fields of the row itself that have an index in their order.
        told: what is told of a row beside its key.
    """

    table: Table
    fields: Mapping[str, Source]
    ordered: frozenset[str]
    told: tuple[ColumnElement[Any], ...] = ()


VERSIONS = Subject(
    versions,
    {
        "parent": _child(
            version_parents, "parent_id", many=True, repeats=True, rank=1, ordered=_first_parent
        ),
        "run.id": Own("run_id", rank=2, blank=True, long=True),
        "digest": Own("digest", rank=3, by_project=False),
        "alias": _child(aliases, "name", many=True, rank=4),
        "code.commit": Own("code_commit", rank=5, by_project=False, blank=True),
        "dataset.digest": _child(version_datasets, "digest", many=True, blank=True, repeats=True, rank=6),
        "stage": _child(stage_pointers, "stage", many=True, rank=7),
        "model": OfModel(rank=8),
        "dataset.name": _child(version_datasets, "name", many=True, repeats=True, long=True, rank=9),
        "dataset.version": _child(
            version_datasets, "version", many=True, blank=True, repeats=True, long=True, rank=10
        ),
        "params": Child(version_params, "version_id", _text_or_number, keyed=True, prefixed=True, rank=10),
        "tags": _child(version_tags, "value", keyed=True, prefixed=True, rank=11),
        "metrics": Child(version_metric_summaries, "version_id", _aspect, keyed=True, rank=12),
        "author": Own("author", rank=13),
        "create_time": Own("create_time", rank=14),
        "update_time": Own("update_time", rank=14),
        "state": Own("state", rank=15),
        "number": Own("number"),
        "size_bytes": Own("size_bytes"),
        "description": Own("description", blank=True, long=True),
        "code.repository": Own("code_repository", blank=True, long=True),
        "parent.relation": _child(version_parents, "relation", many=True, repeats=True, stored=str.lower),
    },
    frozenset({"create_time", "update_time", "author", "state"}),
    (
        versions.c.number,
        versions.c.model_id,
        select(models.c.change_revision).where(models.c.id == versions.c.model_id).scalar_subquery(),
    ),
)

MODELS = Subject(
    models,
    {
        "name": Own("name", rank=1),
        "stage": Child(stage_pointers, "model_id", _named("stage"), many=True, rank=2),
        "tags": Child(model_tags, "model_id", _named("value"), keyed=True, prefixed=True, rank=3),
        "create_time": Own("create_time", rank=4),
        "update_time": Own("update_time", rank=4),
        "creator": Own("creator"),
        "state": Own("state"),
        "latest_number": Own("latest_number"),
        "description": Own("description", blank=True, long=True),
    },
    frozenset({"name", "create_time", "update_time"}),
)
