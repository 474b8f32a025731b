"""What a selector meant at a moment of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from muniment.names import ModelName, VersionSelector
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.catalog import ModelRecord, VersionRecord
from muniment_core.domain.errors import AliasNotFound, InvalidField, StageEmpty, VersionNotFound
from muniment_core.domain.ledger import format_time

from muniment_metadata.projects import told_of_project


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: a revision, or else a time."""

    revision: int = 0
    time: datetime | None = None


def resolve_version_at(
    reader: Reader, model: ModelName, selector: VersionSelector, moment: Moment
) -> VersionRecord:
    """The version a selector meant at a moment, as it is recorded now, tombstones included.

    Raises:
        InvalidField: if the moment has not come yet.
        ModelNotFound: if there never was such a model.
        VersionNotFound: if the model had no such version.
        StageEmpty: if the stage had no current version.
        AliasNotFound: if the word was neither a stage nor an alias.
    """
    revision = _revision(reader, moment)
    with told_of_project(reader, model.project):
        found = reader.models.require(model, deleted=True)
    if selector.pointer is not None:
        number = _pointed_to(reader, found, selector.pointer, revision)
    elif selector.number is not None:
        if not reader.history.existed(found.id, selector.number, revision):
            raise VersionNotFound(
                model.version(selector.number).text, f"did not exist at revision {revision}"
            )
        number = selector.number
    else:
        number = _newest(reader, found, selector, revision)
    return reader.versions.require(model.version(number))


def _revision(reader: Reader, moment: Moment) -> int:
    if moment.time is not None:
        if moment.time > reader.now:
            raise InvalidField(
                "at_time", f"is after now, which is {format_time(reader.now)}: what is to come can change"
            )
        return reader.history.revision_at(moment.time)
    newest = reader.ledger.size()
    if not 1 <= moment.revision <= newest:
        raise InvalidField("at_revision", f"is {moment.revision}, while the ledger has 1 to {newest}")
    return moment.revision


def _pointed_to(reader: Reader, model: ModelRecord, pointer: str, revision: int) -> int:
    number = reader.history.in_stage(model.id, pointer, revision)
    if number is None:
        number = reader.history.by_alias(model.id, pointer, revision)
    if number is not None:
        return number
    stages = reader.projects.require(model.name.project).stages
    if pointer in stages:
        raise StageEmpty(pointer, model.name.text, at_revision=revision)
    raise AliasNotFound(pointer, model.name.text, stages, at_revision=revision)


def _newest(reader: Reader, model: ModelRecord, selector: VersionSelector, revision: int) -> int:
    digest = selector.digest.text if selector.digest else None
    number = reader.history.newest_ready(model.id, revision, latest_number=model.latest_number, digest=digest)
    if number is None:
        raise VersionNotFound(
            f"{model.name.text}@{digest or 'latest'}", f"was not READY at revision {revision}"
        )
    return number
