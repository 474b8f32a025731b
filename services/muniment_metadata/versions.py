"""Use cases on versions."""

from __future__ import annotations

from collections.abc import Sequence

from muniment.names import ModelName, VersionName, VersionSelector
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.access import Permission, Principal
from muniment_core.domain.catalog import (
    FrozenRecord,
    NewVersion,
    VersionRecord,
    VersionState,
    bytes_digest,
    labels_digest,
    metrics_digest,
)
from muniment_core.domain.errors import (
    AliasNotFound,
    InUse,
    LimitExceeded,
    StageEmpty,
    VersionNotFound,
    VersionNotReady,
)
from muniment_core.domain.ledger import EntryDraft
from muniment_core.domain.limits import MAX_BATCH_BYTES, MAX_TAGS, fitting

from muniment_metadata.projects import told_of_project
from muniment_metadata.updates import LabelChange, check_etag


def create_version(
    unit: UnitOfWork, model: ModelName, new: NewVersion, *, principal: Principal
) -> VersionRecord:
    """Register a committed manifest as the next version of a model.

    Raises:
        ModelNotFound: if the model does not exist.
        ManifestNotFound: if the project holds no such manifest.
        VersionNotFound: if a parent does not exist, or the caller may not see it.
        VersionNotReady: if a parent was deleted.
    """
    place = unit.registrations.place(model, new.digest)
    parent_ids = _parent_ids(unit, new.frozen, principal)
    record = new.frozen.to_bytes()
    version = unit.registrations.register(
        model,
        new,
        place=place,
        record=record,
        parent_ids=parent_ids,
        author=unit.actor,
        now=unit.now,
        revision=unit.revision,
    )
    unit.record(
        EntryDraft(
            type="version.created",
            project=model.project,
            model=model.model,
            number=version.name.number,
            digest=new.digest,
            data={
                "record": bytes_digest(record),
                "labels": labels_digest(new.description, new.tags),
                "metrics": metrics_digest(new.metrics),
                "size_bytes": version.size_bytes,
            },
        )
    )
    return version


def _parent_ids(unit: UnitOfWork, frozen: FrozenRecord, principal: Principal) -> list[int]:
    ids = []
    for parent in frozen.parents:
        # A parent the caller may not see does not exist for it.
        if not principal.holds(Permission.CATALOG_READ, parent.version.project):
            raise VersionNotFound(parent.version.text)
        found = unit.versions.require(parent.version)
        if found.state is VersionState.DELETED:
            raise VersionNotReady(parent.version.text, found.state)
        ids.append(found.id)
    return ids


def batch_get_versions(reader: Reader, names: Sequence[VersionName]) -> list[VersionRecord]:
    """The named versions, in the order asked for.

    Raises:
        VersionNotFound: if one does not exist.
        LimitExceeded: if more is recorded of them than one answer holds.
    """
    heads = reader.version_heads.named(names)
    for name in names:
        if name not in heads:
            raise VersionNotFound(name.text)
    size = sum(heads[name].size for name in names)
    if size > MAX_BATCH_BYTES:
        raise LimitExceeded("names", MAX_BATCH_BYTES, size)
    found = {record.id: record for record in reader.versions.with_ids([head.id for head in heads.values()])}
    return [found[heads[name].id] for name in names]


def list_versions(
    reader: Reader, model: ModelName, *, before: int | None, limit: int, deleted: bool
) -> tuple[list[VersionRecord], bool]:
    """Versions of a model, newest first: as many as fit on a page, and whether there are more.

    Raises:
        ModelNotFound: if the model does not exist.
    """
    with told_of_project(reader, model.project):
        model_id = reader.models.id_of(model)
    heads = reader.version_heads.page(model_id, before=before, limit=limit + 1, deleted=deleted)
    fit = fitting((head.size for head in heads), limit)
    return reader.versions.with_ids([head.id for head in heads[:fit]]), fit < len(heads)


def get_version(reader: Reader, name: VersionName) -> VersionRecord:
    """One version, tombstones included.

    Raises:
        ProjectNotFound: if its project does not exist.
        VersionNotFound: if there is none.
    """
    with told_of_project(reader, name.project):
        return reader.versions.require(name)


def resolve_version(reader: Reader, model: ModelName, selector: VersionSelector) -> VersionRecord:
    """The version a selector means now.

    Raises:
        ProjectNotFound: if the model's project does not exist.
        ModelNotFound: if the model does not exist.
        VersionNotFound: if it has no such version.
        StageEmpty: if the stage has no current version.
        AliasNotFound: if the word is neither a stage nor an alias.
    """
    with told_of_project(reader, model.project):
        model_id = reader.models.id_of(model)
    if selector.pointer is not None:
        found = reader.versions.pointed_to(model_id, selector.pointer)
        if found is not None:
            return found
        stages = reader.projects.require(model.project).stages
        if selector.pointer in stages:
            raise StageEmpty(selector.pointer, model.text)
        raise AliasNotFound(selector.pointer, model.text, stages)
    found = reader.versions.find(model_id, selector)
    if found is not None:
        return found
    if selector.number is not None:
        raise VersionNotFound(model.version(selector.number).text)
    if selector.digest is not None:
        raise VersionNotFound(f"{model.text}@{selector.digest}", "is not READY or does not exist")
    raise VersionNotFound(f"{model.text}@latest", "does not exist: the model has no READY version")


def update_version(unit: UnitOfWork, name: VersionName, change: LabelChange, *, etag: str) -> VersionRecord:
    """Change description or tags.

    Raises:
        VersionNotFound: if there is none.
        VersionNotReady: if it was deleted.
        EtagMismatch: if it changed since the caller read it.
    """
    version = _live(unit, name)
    check_etag(etag, version.revision)
    description, tags = change.applied_to(version.description, version.tags)
    if len(tags) > MAX_TAGS:
        raise LimitExceeded("tags", MAX_TAGS, len(tags))
    changed = unit.versions.change(
        version, now=unit.now, revision=unit.revision, description=description, tags=tags
    )
    unit.record(version_entry("version.updated", version, {"labels": labels_digest(description, tags)}))
    return changed


def delete_version(unit: UnitOfWork, name: VersionName, *, etag: str, principal: Principal) -> VersionRecord:
    """Make a version a tombstone.

    Raises:
        VersionNotFound: if there is none.
        VersionNotReady: if it was deleted before.
        EtagMismatch: if it changed since the caller read it.
        InUse: if it is current in a stage, or parent of a live version.
    """
    version = _live(unit, name)
    check_etag(etag, version.revision)
    if version.stages:
        raise InUse(name.text, f"stage {version.stages[0]}")
    child = unit.versions.live_child_of(version.id)
    if child is not None:
        raise InUse(name.text, descendant(child, principal))
    unit.aliases.remove_all_of_version(version.id, revision=unit.revision)
    deleted = unit.versions.change(version, now=unit.now, revision=unit.revision, state=VersionState.DELETED)
    unit.record(version_entry("version.deleted", version, {}))
    return deleted


def descendant(child: VersionName, principal: Principal) -> str:
    """How a caller is told of a descendant: those of foreign projects stay unnamed."""
    if principal.holds(Permission.CATALOG_READ, child.project):
        return f"its descendant {child.text}"
    return "a descendant in another project"


def _live(unit: UnitOfWork, name: VersionName) -> VersionRecord:
    version = unit.versions.require(name)
    if version.state is VersionState.DELETED:
        raise VersionNotReady(name.text, version.state)
    return version


def version_entry(
    entry_type: str, version: VersionRecord, data: dict[str, object], *, reason: str = ""
) -> EntryDraft:
    """The ledger entry of a change of a version."""
    return EntryDraft(
        type=entry_type,
        project=version.name.project,
        model=version.name.model,
        number=version.name.number,
        digest=version.digest,
        reason=reason,
        data=data,
    )
