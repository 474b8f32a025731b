"""Versions: written once, with what is frozen beside what may change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from muniment.names import ModelName, VersionName, VersionSelector
from sqlalchemy import Connection, Row, Table, and_, bindparam, insert, literal, select, union_all, update

from muniment_core.db.history_tables import version_state_moves
from muniment_core.db.metric_store import MetricStore
from muniment_core.db.model_store import read_tags, tags_of, write_tags
from muniment_core.db.tables import (
    aliases,
    models,
    projects,
    stage_pointers,
    version_datasets,
    version_params,
    version_parents,
    version_tags,
    versions,
)
from muniment_core.domain.catalog import FrozenRecord, NewVersion, VersionRecord, VersionState
from muniment_core.domain.errors import VersionNotFound

_VERSIONS = (
    select(versions, models.c.name.label("model"), projects.c.name.label("project"))
    .join(models, models.c.id == versions.c.model_id)
    .join(projects, projects.c.id == models.c.project_id)
)

_OF_MODEL = _VERSIONS.where(versions.c.model_id == bindparam("model"))
_BY_NUMBER = _OF_MODEL.where(versions.c.number == bindparam("number"))
_NEWEST_READY = (
    _OF_MODEL.where(versions.c.state == VersionState.READY).order_by(versions.c.number.desc()).limit(1)
)
_NEWEST_READY_BY_DIGEST = _NEWEST_READY.where(versions.c.digest == bindparam("digest"))
_IN_STAGE = _VERSIONS.join(stage_pointers, stage_pointers.c.version_id == versions.c.id).where(
    stage_pointers.c.model_id == bindparam("model"), stage_pointers.c.stage == bindparam("pointer")
)
_BY_ALIAS = _VERSIONS.join(aliases, aliases.c.version_id == versions.c.id).where(
    aliases.c.model_id == bindparam("model"), aliases.c.name == bindparam("pointer")
)
_TAGS = tags_of(version_tags, "version_id")
_POINTERS = union_all(
    *(
        select(literal(kind).label("kind"), table.c.version_id, name.label("name")).where(
            table.c.version_id.in_(bindparam("versions", expanding=True))
        )
        for kind, table, name in (
            ("stage", stage_pointers, stage_pointers.c.stage),
            ("alias", aliases, aliases.c.name),
        )
    )
).order_by("name")


class VersionStore:
    """Versions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def require(self, name: VersionName) -> VersionRecord:
        """One version, tombstones included.

        Raises:
            VersionNotFound: if there is none.
        """
        found = self.get_all([name])
        if not found:
            raise VersionNotFound(name.text)
        return found[0]

    def get_all(self, names: Sequence[VersionName]) -> list[VersionRecord]:
        """Those of the named versions of one project that exist, in the order asked for."""
        by_model: dict[tuple[str, str], list[int]] = defaultdict(list)
        for name in names:
            by_model[name.project, name.model].append(name.number)
        rows: list[Row[Any]] = []
        for (project, model), numbers in by_model.items():
            rows += self._connection.execute(
                _VERSIONS.where(
                    projects.c.name == project, models.c.name == model, versions.c.number.in_(numbers)
                )
            )
        found = {record.name: record for record in self._records(rows)}
        return [found[name] for name in names if name in found]

    def record_of(self, version_id: int) -> bytes:
        """What is frozen of a version, in the bytes whose digest the ledger holds."""
        found = select(versions.c.record).where(versions.c.id == version_id)
        return bytes(self._connection.execute(found).scalar_one())

    def find(self, model_id: int, selector: VersionSelector) -> VersionRecord | None:
        """The version a number, digest or ``latest`` means; pointers are followed by the caller."""
        if selector.number is not None:
            found = self._connection.execute(_BY_NUMBER, {"model": model_id, "number": selector.number})
        elif selector.digest is not None:
            found = self._connection.execute(
                _NEWEST_READY_BY_DIGEST, {"model": model_id, "digest": selector.digest.text}
            )
        else:
            found = self._connection.execute(_NEWEST_READY, {"model": model_id})
        return self._first(found.all())

    def pointed_to(self, model_id: int, pointer: str) -> VersionRecord | None:
        """The version that is current in the stage, or that the alias points to."""
        for statement in (_IN_STAGE, _BY_ALIAS):
            found = self._connection.execute(statement, {"model": model_id, "pointer": pointer}).all()
            if found:
                return self._first(found)
        return None

    def page(self, model_id: int, *, before: int | None, limit: int, deleted: bool) -> list[VersionRecord]:
        """Versions of a model, newest first, with a smaller number than one."""
        statement = _VERSIONS.where(versions.c.model_id == model_id)
        if before is not None:
            statement = statement.where(versions.c.number < before)
        if not deleted:
            statement = statement.where(versions.c.state != VersionState.DELETED)
        return self._records(
            self._connection.execute(statement.order_by(versions.c.number.desc()).limit(limit)).all()
        )

    def create(
        self,
        model: ModelName,
        number: int,
        new: NewVersion,
        *,
        model_id: int,
        record: bytes,
        parent_ids: Sequence[int],
        size_bytes: int,
        file_count: int,
        author: str,
        now: datetime,
        revision: int,
    ) -> VersionRecord:
        """Write a version, READY from birth; ``record`` is the canonical form of ``new.frozen``."""
        frozen = new.frozen
        version_id = self._connection.execute(
            insert(versions)
            .values(
                model_id=model_id,
                number=number,
                digest=new.digest,
                state=VersionState.READY,
                size_bytes=size_bytes,
                file_count=file_count,
                description=new.description,
                author=author,
                create_time=now,
                update_time=now,
                create_revision=revision,
                revision=revision,
                record=record,
                code_repository=frozen.code.repository if frozen.code else "",
                code_commit=frozen.code.commit if frozen.code else "",
                run_id=frozen.run.id if frozen.run else "",
            )
            .returning(versions.c.id)
        ).scalar_one()
        self._insert_all(
            version_params,
            [
                {
                    "version_id": version_id,
                    "key": key,
                    "text": value if isinstance(value, str) else None,
                    "number": None if isinstance(value, str) else value,
                }
                for key, value in frozen.params.items()
            ],
        )
        self._insert_all(
            version_datasets,
            [
                {
                    "version_id": version_id,
                    "position": position,
                    "name": dataset.name,
                    "version": dataset.version,
                    "digest": dataset.digest,
                    "uri": dataset.uri,
                    "role": dataset.role,
                }
                for position, dataset in enumerate(frozen.datasets)
            ],
        )
        self._insert_all(
            version_parents,
            [
                {
                    "version_id": version_id,
                    "position": position,
                    "parent_id": parent_id,
                    "relation": parent.relation,
                }
                for position, (parent, parent_id) in enumerate(zip(frozen.parents, parent_ids, strict=True))
            ],
        )
        if new.tags:
            write_tags(self._connection, version_tags, "version_id", version_id, new.tags)
        MetricStore(self._connection).add(version_id, new.metrics, revision=revision)
        latest = {metric.key: metric for metric in new.metrics}
        return VersionRecord(
            id=version_id,
            name=model.version(number),
            digest=new.digest,
            state=VersionState.READY,
            size_bytes=size_bytes,
            file_count=file_count,
            description=new.description,
            tags=new.tags,
            frozen=frozen,
            metrics=tuple(latest[key] for key in sorted(latest)),
            stages=(),
            aliases=(),
            author=author,
            create_time=now,
            update_time=now,
            create_revision=revision,
            revision=revision,
        )

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
            write_tags(self._connection, version_tags, "version_id", version.id, tags)
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

    def _insert_all(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)

    def _first(self, rows: Sequence[Row[Any]]) -> VersionRecord | None:
        return self._records(rows)[0] if rows else None

    def _records(self, rows: Sequence[Row[Any]]) -> list[VersionRecord]:
        ids = [row.id for row in rows]
        if not ids:
            return []
        tags = read_tags(self._connection, _TAGS, ids)
        metrics = MetricStore(self._connection).latest(ids)
        pointers: dict[tuple[str, int], list[str]] = defaultdict(list)
        for kind, version_id, name in self._connection.execute(_POINTERS, {"versions": ids}):
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
