"""Use cases on models."""

from __future__ import annotations

from collections.abc import Mapping

from muniment.names import ModelName
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.access import Principal
from muniment_core.domain.catalog import ModelRecord, ModelState, labels_digest
from muniment_core.domain.errors import InUse, LimitExceeded
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.limits import MAX_TAGS

from muniment_metadata.projects import told_of_project
from muniment_metadata.updates import LabelChange, check_etag
from muniment_metadata.versions import descendant


def create_model(
    unit: UnitOfWork, name: ModelName, *, description: str, tags: Mapping[str, str]
) -> ModelRecord:
    """Create a model without versions.

    Raises:
        ProjectNotFound: if the project does not exist.
        NameTaken: if the name is used in whatever case, or was.
    """
    project = unit.projects.require(name.project)
    model = unit.models.create(
        name,
        project_id=project.id,
        description=description,
        tags=tags,
        creator=unit.actor,
        now=unit.now,
        revision=unit.revision,
    )
    unit.record(_entry("model.created", name, data={"labels": labels_digest(description, tags)}))
    return model


def get_model(reader: Reader, name: ModelName) -> ModelRecord:
    """One model in use.

    Raises:
        ProjectNotFound: if its project does not exist.
        ModelNotFound: if there is none.
    """
    with told_of_project(reader, name.project):
        return reader.models.require(name)


def list_models(reader: Reader, project: str, *, after: str | None, limit: int) -> list[ModelRecord]:
    """Models in use, ordered by name.

    Raises:
        ProjectNotFound: if the project does not exist.
    """
    return reader.models.page(reader.projects.require(project).id, after=after, limit=limit)


def update_model(unit: UnitOfWork, name: ModelName, change: LabelChange, *, etag: str) -> ModelRecord:
    """Change description or tags.

    Raises:
        ModelNotFound: if there is none.
        EtagMismatch: if it changed since the caller read it.
    """
    model = unit.models.require(name)
    check_etag(etag, model.revision)
    description, tags = change.applied_to(model.description, model.tags)
    if len(tags) > MAX_TAGS:
        raise LimitExceeded("tags", MAX_TAGS, len(tags))
    changed = unit.models.change(
        model, now=unit.now, revision=unit.revision, description=description, tags=tags
    )
    unit.record(_entry("model.updated", name, data={"labels": labels_digest(description, tags)}))
    return changed


def delete_model(unit: UnitOfWork, name: ModelName, *, etag: str, principal: Principal) -> ModelRecord:
    """Make a model and its versions tombstones.

    Raises:
        ModelNotFound: if there is none.
        EtagMismatch: if it changed since the caller read it.
        InUse: if a version is current in a stage, or parent of a live version of another model.
    """
    model = unit.models.require(name)
    check_etag(etag, model.revision)
    for stage, number in model.stages.items():
        raise InUse(name.version(number).text, f"stage {stage}")
    used = unit.versions.parent_in_use(model.id)
    if used is not None:
        number, child = used
        raise InUse(name.version(number).text, descendant(child, principal))
    # A model may have many thousand versions, and the writer serves everyone: whole tables at once, no loop.
    unit.aliases.remove_all_of_model(model.id, revision=unit.revision)
    count = unit.versions.delete_all(model.id, now=unit.now, revision=unit.revision)
    deleted = unit.models.change(model, now=unit.now, revision=unit.revision, state=ModelState.DELETED)
    unit.record(_entry("model.deleted", name, data={"versions": count}))
    return deleted


def _entry(entry_type: str, name: ModelName, *, data: Mapping[str, object]) -> EntryDraft:
    return EntryDraft(type=entry_type, project=name.project, model=name.model, data=data)
