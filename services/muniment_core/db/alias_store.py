"""Aliases: free pointers to versions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from muniment.names import ModelName
from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from muniment_core.db.history_tables import alias_moves
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import aliases, models, versions
from muniment_core.domain.catalog import AliasRecord

_ALIASES = select(aliases, versions.c.number).join(versions, versions.c.id == aliases.c.version_id)
_ALIAS = Prepared(
    _ALIASES.where(aliases.c.model_id == bindparam("in_model"), aliases.c.name == bindparam("named"))
)
_INSERT = Prepared(
    insert(aliases).values(
        model_id=bindparam("in_model"),
        project_id=select(models.c.project_id).where(models.c.id == bindparam("in_model")).scalar_subquery(),
        name=bindparam("named"),
        version_id=bindparam("to_version"),
        actor=bindparam("by"),
        update_time=bindparam("at"),
        revision=bindparam("of_revision"),
    )
)
_MOVE = Prepared(
    update(aliases).where(aliases.c.model_id == bindparam("in_model"), aliases.c.name == bindparam("named")),
    columns=["version_id", "actor", "update_time", "revision"],
)


class AliasStore:
    """Aliases on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, model_id: int, model: ModelName, name: str) -> AliasRecord | None:
        """One alias, or None."""
        row = _ALIAS.first(self._connection, in_model=model_id, named=name)
        return None if row is None else _record(row, model)

    def named_alike(self, model_id: int, name: str) -> str | None:
        """The name of an alias that is this one but for its case, or None."""
        return self._connection.execute(
            select(aliases.c.name).where(
                aliases.c.model_id == model_id, func.lower(aliases.c.name) == name.lower()
            )
        ).scalar_one_or_none()

    def page(self, model_id: int, model: ModelName, *, after: str | None, limit: int) -> list[AliasRecord]:
        """Aliases of a model, ordered by name, after one."""
        statement = _ALIASES.where(aliases.c.model_id == model_id).order_by(aliases.c.name).limit(limit)
        if after is not None:
            statement = statement.where(aliases.c.name > after)
        return [_record(row, model) for row in self._connection.execute(statement)]

    def point(
        self,
        model_id: int,
        name: str,
        *,
        version_id: int,
        exists: bool,
        actor: str,
        now: datetime,
        revision: int,
    ) -> None:
        """Point an alias to a version; ``exists`` tells whether it is there already."""
        values = {"version_id": version_id, "actor": actor, "update_time": now, "revision": revision}
        if exists:
            _MOVE.run(self._connection, in_model=model_id, named=name, **values)
        else:
            _INSERT.run(
                self._connection,
                in_model=model_id,
                named=name,
                to_version=version_id,
                by=actor,
                at=now,
                of_revision=revision,
            )
        self._connection.execute(
            insert(alias_moves).values(model_id=model_id, name=name, revision=revision, version_id=version_id)
        )

    def remove(self, model_id: int, name: str, *, revision: int) -> None:
        """Remove an alias."""
        self._remove(aliases.c.model_id == model_id, aliases.c.name == name, revision=revision)

    def remove_all_of_version(self, version_id: int, *, revision: int) -> None:
        """Remove every alias of a version."""
        self._remove(aliases.c.version_id == version_id, revision=revision)

    def remove_all_of_model(self, model_id: int, *, revision: int) -> None:
        """Remove every alias of a model."""
        self._remove(aliases.c.model_id == model_id, revision=revision)

    def _remove(self, *which: ColumnElement[bool], revision: int) -> None:
        self._connection.execute(
            insert(alias_moves).from_select(
                ["model_id", "name", "revision", "version_id"],
                select(aliases.c.model_id, aliases.c.name, literal(revision), null()).where(*which),
            )
        )
        self._connection.execute(delete(aliases).where(*which))


def _record(row: Any, model: ModelName) -> AliasRecord:
    return AliasRecord(
        model=model, name=row.name, number=row.number, actor=row.actor, update_time=row.update_time
    )
