"""Use cases that archive a version and bring it back."""

from __future__ import annotations

from muniment.digests import Digest
from muniment.names import VersionName
from muniment_core.db.unit_of_work import Reader, UnitOfWork
from muniment_core.domain.catalog import VersionRecord, VersionState
from muniment_core.domain.errors import BytesArchived, InUse, VersionNotArchived, VersionNotReady
from muniment_core.domain.tiers import Tier

from muniment_metadata.updates import check_etag
from muniment_metadata.versions import version_entry


def archive_version(unit: UnitOfWork, name: VersionName, *, etag: str, reason: str) -> VersionRecord:
    """Say that a version is not needed at hand any more. Collection does the rest.

    Raises:
        VersionNotFound: if there is none.
        VersionNotReady: if it is archived already, or was deleted.
        EtagMismatch: if it changed since the caller read it.
        InUse: if it is current in a stage.
    """
    version = unit.versions.require(name)
    if version.state is not VersionState.READY:
        raise VersionNotReady(name.text, version.state)
    check_etag(etag, version.revision)
    if version.stages:
        raise InUse(name.text, f"stage {version.stages[0]}")
    archived = unit.versions.change(
        version, now=unit.now, revision=unit.revision, state=VersionState.ARCHIVED
    )
    unit.record(version_entry("version.archived", version, {}, reason=reason))
    return archived


def check_restoring(reader: Reader, name: VersionName, *, etag: str) -> VersionRecord:
    """The version to restore, if everything that can be judged without its bytes allows it.

    Raises:
        VersionNotFound: if there is none.
        VersionNotArchived: if it is READY, or was deleted.
        EtagMismatch: if it changed since the caller read it.
    """
    version = reader.versions.require(name)
    if version.state is not VersionState.ARCHIVED:
        raise VersionNotArchived(name.text, version.state)
    check_etag(etag, version.revision)
    return version


def restore_version(unit: UnitOfWork, name: VersionName, *, etag: str, reason: str) -> VersionRecord:
    """Make an archived version READY whose bytes were brought back and read.

    Raises:
        BytesArchived: if they left again meanwhile, which takes longer than any call: repeat it.
        As :func:`check_restoring`, whose conditions are judged again here.
    """
    version = check_restoring(unit, name, etag=etag)
    project_id = unit.projects.require(name.project).id
    tier = unit.artifacts.require_manifest(project_id, Digest(version.digest)).tier
    if tier is not Tier.HOT:
        raise BytesArchived(version.digest, tier)
    restored = unit.versions.change(version, now=unit.now, revision=unit.revision, state=VersionState.READY)
    unit.record(version_entry("version.restored", version, {}, reason=reason))
    return restored
