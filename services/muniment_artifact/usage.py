"""How much space a project, a model or a version takes."""

from __future__ import annotations

from muniment.names import InvalidName, ModelName, ProjectName, VersionName
from muniment_core.db.unit_of_work import Reader
from muniment_core.db.usage_store import Usage
from muniment_core.rpc.convert import parse

Measured = ProjectName | ModelName | VersionName


def measured(name: str) -> Measured:
    """What a ``name`` field names.

    Raises:
        InvalidNameGiven: if it is none of a project, model or version.
    """
    for kind in (ProjectName, ModelName):
        try:
            return kind.parse(name)
        except InvalidName:
            continue
    return parse("name", VersionName.parse, name)


def usage_of(reader: Reader, name: Measured) -> Usage:
    """How much space something takes; a tombstone of a version takes none.

    Raises:
        ProjectNotFound, ModelNotFound, VersionNotFound: if there is no such thing.
    """
    if isinstance(name, ProjectName):
        return reader.usage.of_project(reader.projects.require(name.project).id)
    reader.projects.require(name.project)
    if isinstance(name, ModelName):
        return reader.usage.of_model(reader.models.id_of(name))
    return reader.usage.of_version(reader.versions.require(name).id)
