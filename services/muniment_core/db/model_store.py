"""Models and their tags."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from muniment.names import ModelName
from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from muniment_core.db.id_list import among
from muniment_core.db.prepared import Prepared, Rows
from muniment_core.db.tables import PREFIX, model_tags, models, projects, stage_pointers, versions
from muniment_core.domain.catalog import ModelRecord, ModelState
from muniment_core.domain.errors import ModelNotFound, NameTaken
from muniment_core.domain.limits import MAX_PAGE_BYTES

_MODELS = select(models, projects.c.name.label("project")).join(
    projects, projects.c.id == models.c.project_id
)
# Statements of the hot paths are built once: building one costs more than SQLite takes to answer it.
_ID = Prepared(
    select(models.c.id)
    .join(projects, projects.c.id == models.c.project_id)
    .where(
        projects.c.name == bindparam("project"),
        models.c.name == bindparam("model"),
        models.c.state == ModelState.ACTIVE,
    )
)

MARK = Prepared(
    select(models.c.id, models.c.change_revision.label("revision"))
    .join(projects, projects.c.id == models.c.project_id)
    .where(projects.c.name == bindparam("project"), models.c.name == bindparam("model"))
)
"""Key of a model, tombstone or not, and the newest ledger entry that names it."""
_CHANGED = Prepared(
    update(models)
    .where(
        models.c.name == bindparam("model"),
        models.c.project_id
        == select(projects.c.id).where(projects.c.name == bindparam("project")).scalar_subquery(),
    )
    .values(change_revision=bindparam("to"))
)


@dataclass(frozen=True, slots=True)
class ModelMark:
    """What tells whether anything of a model changed.

    Attributes:
        id: its key in the database, never used again.
        revision: newest ledger entry that names it.
    """

    id: int
    revision: int


def tags_of(table: Table, owner: str) -> Prepared:
    """The statement :func:`read_tags` runs on a table of tags."""
    return Prepared(
        select(table.c[owner].label("owner"), table.c.key, table.c.value)
        .where(among(table.c[owner], "owners"))
        .order_by(table.c.key)
    )


def tags_of_one(table: Table, owner: str) -> Prepared:
    """The same for one owner, prepared."""
    return Prepared(
        select(table.c.key, table.c.value).where(table.c[owner] == bindparam("whose")).order_by(table.c.key)
    )


_TAGS = tags_of(model_tags, "model_id")
_TAGGED_AT_ONCE = 8
"""So many models' tags are read by one statement: at most 32 MiB."""


def read_tags(
    connection: Connection, statement: Prepared, owners: Sequence[int]
) -> dict[int, dict[str, str]]:
    """Tags by owner, ordered by key, for the owners that have any."""
    return tags_by_owner(statement.all(connection, owners=owners))


def tags_by_owner(rows: Iterable[Any]) -> dict[int, dict[str, str]]:
    """What the rows of :func:`tags_of` tell."""
    tags: dict[int, dict[str, str]] = defaultdict(dict)
    for owner, key, value in rows:
        tags[owner][key] = value
    return tags


def write_tags(
    connection: Connection,
    table: Table,
    owner: str,
    owner_id: int,
    tags: Mapping[str, str],
    *,
    project_id: int,
) -> None:
    """Replace all tags of one owner."""
    connection.execute(delete(table).where(table.c[owner] == owner_id))
    if tags:
        connection.execute(
            insert(table),
            [
                {
                    owner: owner_id,
                    "project_id": project_id,
                    "key": key,
                    "value": value,
                    "prefix": value[:PREFIX],
                }
                for key, value in tags.items()
            ],
        )


def marking_changed(revisions: Mapping[ModelName, int]) -> Rows:
    """The statement that sets the newest ledger entry of models."""
    return _CHANGED, [
        {"project": name.project, "model": name.model, "to": revision} for name, revision in revisions.items()
    ]


class ModelStore:
    """Models on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def id_of(self, name: ModelName) -> int:
        """The key of a model in use.

        Raises:
            ModelNotFound: if there is none of this name, or it is a tombstone.
        """
        row = _ID.first(self._connection, project=name.project, model=name.model)
        if row is None:
            raise ModelNotFound(name.text)
        return int(row.id)

    def mark(self, name: ModelName) -> ModelMark | None:
        """What tells whether anything of a model changed, or None if it never was."""
        row = MARK.first(self._connection, project=name.project, model=name.model)
        return None if row is None else ModelMark(*row)

    def require(self, name: ModelName, *, deleted: bool = False) -> ModelRecord:
        """A model in use; with ``deleted`` also a tombstone.

        Raises:
            ModelNotFound: if there is none.
        """
        row = self._connection.execute(
            _MODELS.where(projects.c.name == name.project, models.c.name == name.model)
        ).one_or_none()
        if row is None or (row.state == ModelState.DELETED and not deleted):
            raise ModelNotFound(name.text)
        return self._records([row])[0]

    def with_ids(self, ids: Sequence[int]) -> list[ModelRecord]:
        """Models by their keys, in the order asked for; all must exist. No more than a page needs."""
        rows = {row.id: row for row in self._connection.execute(_MODELS.where(models.c.id.in_(ids)))}
        return self._records([rows[model_id] for model_id in ids])

    def page(self, project_id: int, *, after: str | None, limit: int) -> list[ModelRecord]:
        """Models in use of a project, ordered by name, after one.

        Of those that are too large for one page together, the first, and at least one more than fit.
        """
        statement = _MODELS.where(models.c.project_id == project_id, models.c.state == ModelState.ACTIVE)
        if after is not None:
            statement = statement.where(models.c.name > after)
        return self._records(self._connection.execute(statement.order_by(models.c.name).limit(limit)).all())

    def create(
        self,
        name: ModelName,
        *,
        project_id: int,
        description: str,
        tags: Mapping[str, str],
        creator: str,
        now: datetime,
        revision: int,
    ) -> ModelRecord:
        """Create a model without versions.

        Raises:
            NameTaken: if the name is used in whatever case, or was.
        """
        folded = name.model.lower()
        taken = self._connection.execute(
            select(models.c.name, models.c.state).where(
                models.c.project_id == project_id, models.c.folded_name == folded
            )
        ).one_or_none()
        if taken is not None:
            raise NameTaken(name.model, taken.name, deleted=taken.state == ModelState.DELETED)
        model_id = self._connection.execute(
            insert(models)
            .values(
                project_id=project_id,
                name=name.model,
                folded_name=folded,
                description=description,
                state=ModelState.ACTIVE,
                latest_number=0,
                creator=creator,
                create_time=now,
                update_time=now,
                revision=revision,
            )
            .returning(models.c.id)
        ).scalar_one()
        write_tags(self._connection, model_tags, "model_id", model_id, tags, project_id=project_id)
        return self.require(name)

    def next_number(self, model_id: int) -> int:
        """Take the next version number of a model. The head of the ledger is locked, so no two take the same."""
        return int(
            self._connection.execute(
                update(models)
                .where(models.c.id == model_id)
                .values(latest_number=models.c.latest_number + 1)
                .returning(models.c.latest_number)
            ).scalar_one()
        )

    def change(
        self,
        model: ModelRecord,
        *,
        now: datetime,
        revision: int,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        state: ModelState | None = None,
    ) -> ModelRecord:
        """Change what is not None."""
        values: dict[str, Any] = {"update_time": now, "revision": revision}
        if description is not None:
            values["description"] = description
        if state is not None:
            values["state"] = state
        self._connection.execute(update(models).where(models.c.id == model.id).values(values))
        if tags is not None:
            project_id = self._connection.execute(
                select(models.c.project_id).where(models.c.id == model.id)
            ).scalar_one()
            write_tags(self._connection, model_tags, "model_id", model.id, tags, project_id=project_id)
        return self.require(model.name, deleted=True)

    def _records(self, rows: Sequence[Row[Any]]) -> list[ModelRecord]:
        tags = self._tags([row.id for row in rows])
        ids = list(tags)
        stages: dict[int, dict[str, int]] = defaultdict(dict)
        for pointer in self._connection.execute(
            select(stage_pointers.c.model_id, stage_pointers.c.stage, versions.c.number)
            .join(versions, versions.c.id == stage_pointers.c.version_id)
            .where(stage_pointers.c.model_id.in_(ids))
            .order_by(stage_pointers.c.stage)
        ):
            stages[pointer.model_id][pointer.stage] = pointer.number
        return [
            ModelRecord(
                id=row.id,
                name=ModelName(row.project, row.name),
                description=row.description,
                tags=tags[row.id],
                state=ModelState(row.state),
                latest_number=row.latest_number,
                stages=stages.get(row.id, {}),
                creator=row.creator,
                create_time=row.create_time,
                update_time=row.update_time,
                revision=row.revision,
            )
            for row in rows[: len(tags)]
        ]

    def _tags(self, ids: Sequence[int]) -> dict[int, dict[str, str]]:
        """The tags of models; of the first of them, when those are more than a page holds.

        A model may have 4 MiB of them, so a page of the largest models would be gigabytes to read.
        """
        found: dict[int, dict[str, str]] = {}
        size = 0
        for start in range(0, len(ids), _TAGGED_AT_ONCE):
            some = ids[start : start + _TAGGED_AT_ONCE]
            tags = read_tags(self._connection, _TAGS, some)
            found.update((model_id, tags.get(model_id, {})) for model_id in some)
            size += sum(len(key) + len(value) for each in tags.values() for key, value in each.items())
            if size > MAX_PAGE_BYTES:
                break
        return found
