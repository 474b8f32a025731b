"""Use cases on aliases."""

from __future__ import annotations

from muniment.names import AliasName, ModelName
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.catalog import AliasRecord, VersionState
from muniment_core.domain.errors import (
    AliasNotFound,
    CurrentMismatch,
    InvalidName,
    NameTaken,
    VersionNotReady,
)
from muniment_core.domain.ledger import EntryDraft

from muniment_metadata.projects import told_of_project


def set_alias(unit: UnitOfWork, name: AliasName, *, number: int, expected: int | None) -> AliasRecord:
    """Point an alias to a version, creating it when needed.

    Raises:
        InvalidName: if the project has a stage of that name, in whatever case.
        NameTaken: if another alias of the model differs from it by case only.
        VersionNotFound: if the version does not exist.
        VersionNotReady: if it is archived or deleted.
        CurrentMismatch: if the alias is not where the caller expected it.
    """
    model = name.of_model
    stages = unit.projects.require(name.project).stages
    if name.alias.lower() in {stage.lower() for stage in stages}:
        raise InvalidName(
            "name", name.alias, f"{name.alias!r} is a stage: move it by promotion, or choose another alias"
        )
    model_id = unit.models.id_of(model)
    version = unit.versions.require(model.version(number))
    if version.state is not VersionState.READY:
        raise VersionNotReady(version.name.text, version.state)
    current = unit.aliases.get(model_id, model, name.alias)
    _check_expected(name, current, expected)
    alike = None if current else unit.aliases.named_alike(model_id, name.alias)
    if alike is not None:
        raise NameTaken(name.alias, alike)
    unit.aliases.point(
        model_id,
        name.alias,
        version_id=version.id,
        exists=current is not None,
        actor=unit.actor,
        now=unit.now,
        revision=unit.revision,
    )
    unit.record(_entry("alias.set", name, number=number, previous=current, digest=version.digest))
    return AliasRecord(model=model, name=name.alias, number=number, actor=unit.actor, update_time=unit.now)


def delete_alias(unit: UnitOfWork, name: AliasName, *, expected: int | None) -> AliasRecord:
    """Remove an alias and return its last value.

    Raises:
        AliasNotFound: if there is none.
        CurrentMismatch: if it is not where the caller expected it.
    """
    model_id = unit.models.id_of(name.of_model)
    current = unit.aliases.get(model_id, name.of_model, name.alias)
    _check_expected(name, current, expected)
    if current is None:
        raise AliasNotFound(name.alias, name.of_model.text)
    unit.aliases.remove(model_id, name.alias, revision=unit.revision)
    unit.record(_entry("alias.deleted", name, number=0, previous=current, digest=""))
    return current


def list_aliases(reader: Reader, model: ModelName, *, after: str | None, limit: int) -> list[AliasRecord]:
    """Aliases of a model, ordered by name.

    Raises:
        ModelNotFound: if the model does not exist.
    """
    with told_of_project(reader, model.project):
        model_id = reader.models.id_of(model)
    return reader.aliases.page(model_id, model, after=after, limit=limit)


def _check_expected(name: AliasName, current: AliasRecord | None, expected: int | None) -> None:
    actual = current.number if current else 0
    if expected is not None and expected != actual:
        raise CurrentMismatch(f"alias {name.alias}", expected=expected, actual=actual)


def _entry(
    entry_type: str, name: AliasName, *, number: int, previous: AliasRecord | None, digest: str
) -> EntryDraft:
    return EntryDraft(
        type=entry_type,
        project=name.project,
        model=name.model,
        number=number,
        previous_number=previous.number if previous else 0,
        digest=digest,
        data={"alias": name.alias},
    )
