"""Registering versions, the change there are most of: one statement each, and the rows of all together.

Numbers and keys are counted on from what the database says once per transaction. That is safe because the head of
the ledger is locked: nobody else takes any meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from muniment.names import ModelName
from sqlalchemy import and_, bindparam, func, select, update

from muniment_core.db.artifact_tables import manifests
from muniment_core.db.batch import Batch
from muniment_core.db.prepared import Prepared, Question
from muniment_core.db.tables import models, projects, versions
from muniment_core.db.version_rows import new_version_record, new_version_rows
from muniment_core.domain.catalog import ModelState, NewVersion, VersionRecord
from muniment_core.domain.errors import ManifestNotFound, ModelNotFound, ProjectNotFound
from muniment_core.domain.tiers import Tier

_PLACE = Prepared(
    select(
        projects.c.id.label("project_id"),
        models.c.id.label("model_id"),
        models.c.state,
        models.c.latest_number,
        manifests.c.size_bytes,
        manifests.c.file_count,
        select(func.coalesce(func.max(versions.c.id), 0)).scalar_subquery().label("newest_key"),
    )
    .select_from(projects)
    .outerjoin(models, and_(models.c.project_id == projects.c.id, models.c.name == bindparam("model")))
    .outerjoin(
        manifests,
        and_(
            manifests.c.project_id == projects.c.id,
            manifests.c.digest == bindparam("digest"),
            # Others have no chunks at hand: they have to be committed again.
            manifests.c.tier == Tier.HOT,
        ),
    )
    .where(projects.c.name == bindparam("project"))
)
_TAKE_NUMBER = Prepared(
    update(models).where(models.c.id == bindparam("model")).values(latest_number=bindparam("to"))
)


def asked_to_register(model: ModelName, digest: str) -> list[Question]:
    """What registering a version will ask the database."""
    return [_place(model, digest)]


def _place(model: ModelName, digest: str) -> Question:
    return _PLACE, {"project": model.project, "model": model.model, "digest": digest}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version will be registered, and what of.

    Attributes:
        latest_number: the newest number of the model so far.
        newest_key: the newest key of any version so far.
        size_bytes: of the files of its manifest.
    """

    project_id: int
    model_id: int
    latest_number: int
    newest_key: int
    size_bytes: int
    file_count: int


class RegistrationStore:
    """Registers versions in one transaction of the writer."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def place(self, model: ModelName, digest: str) -> Place:
        """Where a manifest will be registered.

        Raises:
            ProjectNotFound: if the project does not exist.
            ModelNotFound: if the model does not, or is a tombstone.
            ManifestNotFound: if the project holds no such manifest.
        """
        # What this reads is never kept waiting, but for the number, which `register` told.
        row = self._batch.first(_place(model, digest))
        if row is None:
            raise ProjectNotFound(model.project)
        if row.model_id is None or row.state != ModelState.ACTIVE:
            raise ModelNotFound(model.text)
        if row.size_bytes is None:
            raise ManifestNotFound(digest)
        facts = self._batch.facts
        number = facts.get(("number", row.model_id), row.latest_number)
        newest = facts.get("newest version key", row.newest_key)
        return Place(row.project_id, row.model_id, number, newest, row.size_bytes, row.file_count)

    def register(
        self,
        model: ModelName,
        new: NewVersion,
        *,
        place: Place,
        record: bytes,
        parent_ids: Sequence[int],
        author: str,
        now: datetime,
        revision: int,
    ) -> VersionRecord:
        """Take the next number and write a version; ``record`` is the canonical form of ``new.frozen``."""
        facts = self._batch.facts
        number = place.latest_number + 1
        version = new_version_record(
            new,
            version_id=place.newest_key + 1,
            model=model,
            number=number,
            size_bytes=place.size_bytes,
            file_count=place.file_count,
            author=author,
            now=now,
            revision=revision,
        )
        facts["newest version key"] = version.id
        facts["number", place.model_id] = number
        for statement, rows in new_version_rows(
            version,
            new,
            model_id=place.model_id,
            project_id=place.project_id,
            record=record,
            parent_ids=parent_ids,
        ):
            self._batch.later(statement, rows)
        self._batch.later(
            _TAKE_NUMBER, [{"model": place.model_id, "to": number}], instead_of=("number", place.model_id)
        )
        return version
