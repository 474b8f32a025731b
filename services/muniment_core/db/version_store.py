"""Versions: written once, with what is frozen beside what may change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from muniment.names import ModelName, VersionName, VersionSelector
from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    func,
    insert,
    literal,
    select,
    union_all,
    update,
)

from muniment_core.db.history_tables import version_state_moves
from muniment_core.db.id_list import among
from muniment_core.db.metric_store import LATEST, MetricStore, metrics_by_version
from muniment_core.db.model_store import tags_by_owner, tags_of, tags_of_one, write_tags
from muniment_core.db.prepared import Prepared
from muniment_core.db.signature_tables import version_signatures
from muniment_core.db.tables import (
    aliases,
    models,
    projects,
    stage_pointers,
    version_parents,
    version_tags,
    versions,
)
from muniment_core.db.trips import read_in_one_trip, run_in_one_trip
from muniment_core.db.version_heads import VersionHeads
from muniment_core.db.version_rows import new_version_record, new_version_rows
from muniment_core.domain.catalog import FrozenRecord, MetricValue, NewVersion, VersionRecord, VersionState
from muniment_core.domain.errors import VersionNotFound

_VERSIONS = (
    select(versions, models.c.name.label("model"), projects.c.name.label("project"))
    .join(models, models.c.id == versions.c.model_id)
    .join(projects, projects.c.id == models.c.project_id)
)

_OF_MODEL = _VERSIONS.where(versions.c.model_id == bindparam("in_model"))
_BY_NUMBER = Prepared(_OF_MODEL.where(versions.c.number == bindparam("numbered")))
_READY = _OF_MODEL.where(versions.c.state == VersionState.READY).order_by(versions.c.number.desc()).limit(1)
_NEWEST_READY = Prepared(_READY)
_NEWEST_READY_BY_DIGEST = Prepared(_READY.where(versions.c.digest == bindparam("of_bytes")))
_BY_IDS = Prepared(_VERSIONS.where(among(versions.c.id, "ids")))
_IN_STAGE = Prepared(
    _VERSIONS.join(stage_pointers, stage_pointers.c.version_id == versions.c.id).where(
        stage_pointers.c.model_id == bindparam("in_model"), stage_pointers.c.stage == bindparam("pointer")
    )
)
_BY_ALIAS = Prepared(
    _VERSIONS.join(aliases, aliases.c.version_id == versions.c.id).where(
        aliases.c.model_id == bindparam("in_model"), aliases.c.name == bindparam("pointer")
    )
)
_BY_NAME = Prepared(
    _VERSIONS.where(
        projects.c.name == bindparam("in_project"),
        models.c.name == bindparam("in_model"),
        versions.c.number == bindparam("numbered"),
    )
)
_TAGS = tags_of(version_tags, "version_id")
_TAGS_OF_ONE = tags_of_one(version_tags, "version_id")


def _pointers(version_id: Callable[[Column[int]], ColumnElement[bool]]) -> CompoundSelect[Any]:
    """Stages and aliases by name, of the versions that a condition lets pass."""
    return union_all(
        *(
            select(literal(kind).label("kind"), table.c.version_id, name.label("name")).where(
                version_id(table.c.version_id)
            )
            for kind, table, name in (
                ("stage", stage_pointers, stage_pointers.c.stage),
                ("alias", aliases, aliases.c.name),
            )
        )
    ).order_by("name")


_POINTERS = Prepared(_pointers(lambda column: among(column, "versions")))
_POINTERS_OF_ONE = Prepared(_pointers(lambda column: column == bindparam("version")))


class VersionStore:
    """Versions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def require(self, name: VersionName) -> VersionRecord:
        """One version, tombstones included.

        Raises:
            VersionNotFound: if there is none.
        """
        row = _BY_NAME.first(
            self._connection, in_project=name.project, in_model=name.model, numbered=name.number
        )
        if row is None:
            raise VersionNotFound(name.text)
        return self._records([row])[0]

    def bundle(self, version_id: int) -> bytes | None:
        """The bundle of a version's signature, or None when it has none."""
        found = self._connection.execute(
            select(version_signatures.c.bundle).where(version_signatures.c.version_id == version_id)
        ).scalar_one_or_none()
        return None if found is None else bytes(found)

    def get_all(self, names: Sequence[VersionName]) -> list[VersionRecord]:
        """Those of the named versions that exist, in the order asked for."""
        heads = VersionHeads(self._connection).named(names)
        ids = [heads[name].id for name in dict.fromkeys(names) if name in heads]
        found = {record.name: record for record in self.with_ids(ids)}
        return [found[name] for name in names if name in found]

    def with_ids(self, ids: Sequence[int]) -> list[VersionRecord]:
        """Versions by their keys, in the order asked for; all must exist."""
        if not ids:
            return []
        rows, *beside = read_in_one_trip(self._connection, [(_BY_IDS, {"ids": ids}), *_beside(ids)])
        found = {record.id: record for record in _made(rows, *beside)}
        return [found[version_id] for version_id in ids]

    def record_of(self, version_id: int) -> bytes:
        """What is frozen of a version, in the bytes whose digest the ledger holds."""
        found = select(versions.c.record).where(versions.c.id == version_id)
        return bytes(self._connection.execute(found).scalar_one())

    def find(self, model_id: int, selector: VersionSelector) -> VersionRecord | None:
        """The version a number, digest or ``latest`` means; pointers are followed by the caller."""
        if selector.number is not None:
            found = _BY_NUMBER.first(self._connection, in_model=model_id, numbered=selector.number)
        elif selector.digest is not None:
            found = _NEWEST_READY_BY_DIGEST.first(
                self._connection, in_model=model_id, of_bytes=selector.digest.text
            )
        else:
            found = _NEWEST_READY.first(self._connection, in_model=model_id)
        return None if found is None else self._records([found])[0]

    def pointed_to(self, model_id: int, pointer: str) -> VersionRecord | None:
        """The version that is current in the stage, or that the alias points to."""
        for statement in (_IN_STAGE, _BY_ALIAS):
            found = statement.first(self._connection, in_model=model_id, pointer=pointer)
            if found is not None:
                return self._records([found])[0]
        return None

    def create(
        self,
        model: ModelName,
        number: int,
        new: NewVersion,
        *,
        model_id: int,
        project_id: int,
        record: bytes,
        parent_ids: Sequence[int],
        size_bytes: int,
        file_count: int,
        author: str,
        now: datetime,
        revision: int,
    ) -> VersionRecord:
        """Write a version, READY from birth; ``record`` is the canonical form of ``new.frozen``."""
        newest = self._connection.execute(select(func.coalesce(func.max(versions.c.id), 0))).scalar_one()
        version = new_version_record(
            new,
            version_id=newest + 1,
            model=model,
            number=number,
            size_bytes=size_bytes,
            file_count=file_count,
            author=author,
            now=now,
            revision=revision,
        )
        rows = new_version_rows(
            version, new, model_id=model_id, project_id=project_id, record=record, parent_ids=parent_ids
        )
        run_in_one_trip(self._connection, rows)
        return version

    def change(
        self,
        version: VersionRecord,
        *,
        now: datetime,
        revision: int,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        state: VersionState | None = None,
    ) -> VersionRecord:
        """Change what is not None."""
        values: dict[str, Any] = {"update_time": now, "revision": revision}
        if description is not None:
            values["description"] = description
        if state is not None:
            values["state"] = state
            self._connection.execute(
                insert(version_state_moves).values(version_id=version.id, revision=revision, state=state)
            )
        self._connection.execute(update(versions).where(versions.c.id == version.id).values(values))
        if tags is not None:
            project_id = self._connection.execute(
                select(versions.c.project_id).where(versions.c.id == version.id)
            ).scalar_one()
            write_tags(self._connection, version_tags, "version_id", version.id, tags, project_id=project_id)
        return self.require(version.name)

    def live_child_of(self, version_id: int) -> VersionName | None:
        """A version that is not a tombstone and names this one as its parent, or None."""
        row = self._connection.execute(
            _VERSIONS.join(version_parents, version_parents.c.version_id == versions.c.id)
            .where(version_parents.c.parent_id == version_id, versions.c.state != VersionState.DELETED)
            .limit(1)
        ).one_or_none()
        return None if row is None else VersionName(row.project, row.model, row.number)

    def parent_in_use(self, model_id: int) -> tuple[int, VersionName] | None:
        """Number of a version, and a live version of another model that names it as parent; or None."""
        parent = versions.alias("parent")
        row = self._connection.execute(
            _VERSIONS.add_columns(parent.c.number.label("parent_number"))
            .join(version_parents, version_parents.c.version_id == versions.c.id)
            .join(parent, parent.c.id == version_parents.c.parent_id)
            .where(
                parent.c.model_id == model_id,
                versions.c.model_id != model_id,
                versions.c.state != VersionState.DELETED,
            )
            .limit(1)
        ).one_or_none()
        return None if row is None else (row.parent_number, VersionName(row.project, row.model, row.number))

    def delete_all(self, model_id: int, *, now: datetime, revision: int) -> int:
        """Make every version of a model a tombstone; answers with how many were none before."""
        live = and_(versions.c.model_id == model_id, versions.c.state != VersionState.DELETED)
        self._connection.execute(
            insert(version_state_moves).from_select(
                ["version_id", "revision", "state"],
                select(versions.c.id, literal(revision), literal(VersionState.DELETED.value)).where(live),
            )
        )
        changed = self._connection.execute(
            update(versions)
            .where(live)
            .values(state=VersionState.DELETED, update_time=now, revision=revision)
        )
        return changed.rowcount

    def _records(self, rows: Sequence[Any]) -> list[VersionRecord]:
        ids = [row.id for row in rows]
        if not ids:
            return []
        if len(ids) > 1:
            return _made(rows, *read_in_one_trip(self._connection, _beside(ids)))
        tags = {ids[0]: dict(_TAGS_OF_ONE.all(self._connection, whose=ids[0]))}
        pointers = _POINTERS_OF_ONE.all(self._connection, version=ids[0])
        return _records_of(rows, tags, MetricStore(self._connection).latest(ids), pointers)


def _beside(ids: Sequence[int]) -> list[tuple[Prepared, Mapping[str, Any]]]:
    """What asks for the rows beside those of versions."""
    return [(_TAGS, {"owners": ids}), (LATEST, {"versions": ids}), (_POINTERS, {"versions": ids})]


def _made(
    rows: Sequence[Any], tags: Sequence[Any], metrics: Sequence[Any], pointers: Sequence[Any]
) -> list[VersionRecord]:
    return _records_of(rows, tags_by_owner(tags), metrics_by_version(metrics), pointers)


def _records_of(
    rows: Sequence[Any],
    tags: Mapping[int, Mapping[str, str]],
    metrics: Mapping[int, tuple[MetricValue, ...]],
    pointing: Iterable[Any],
) -> list[VersionRecord]:
    pointers: dict[tuple[str, int], list[str]] = defaultdict(list)
    for kind, version_id, name in pointing:
        pointers[kind, version_id].append(name)
    return [
        VersionRecord(
            id=row.id,
            name=VersionName(row.project, row.model, row.number),
            digest=row.digest,
            state=VersionState(row.state),
            size_bytes=row.size_bytes,
            file_count=row.file_count,
            description=row.description,
            tags=tags.get(row.id, {}),
            frozen=FrozenRecord.from_bytes(row.record),
            metrics=metrics.get(row.id, ()),
            stages=tuple(pointers.get(("stage", row.id), ())),
            aliases=tuple(pointers.get(("alias", row.id), ())),
            author=row.author,
            create_time=row.create_time,
            update_time=row.update_time,
            create_revision=row.create_revision,
            revision=row.revision,
        )
        for row in rows
    ]
