"""Versions: written once, with what is frozen beside what may change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from muniment.names import ModelName, VersionName, VersionSelector
from sqlalchemy import Connection, Row, Table, insert, select, update

from muniment_core.db.metric_store import MetricStore
from muniment_core.db.model_store import read_tags, write_tags
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

    def find(self, model_id: int, selector: VersionSelector) -> VersionRecord | None:
        """The version a number, digest or ``latest`` means; pointers are followed by the caller."""
        statement = _VERSIONS.where(versions.c.model_id == model_id)
        if selector.number is not None:
            statement = statement.where(versions.c.number == selector.number)
        else:
            statement = statement.where(versions.c.state == VersionState.READY)
            if selector.digest is not None:
                statement = statement.where(versions.c.digest == selector.digest.text)
            statement = statement.order_by(versions.c.number.desc()).limit(1)
        return self._first(self._connection.execute(statement).all())

    def pointed_to(self, model_id: int, pointer: str) -> VersionRecord | None:
        """The version that is current in the stage, or that the alias points to."""
        for table, name in ((stage_pointers, stage_pointers.c.stage), (aliases, aliases.c.name)):
            found = self._connection.execute(
                _VERSIONS.join(table, table.c.version_id == versions.c.id).where(
                    table.c.model_id == model_id, name == pointer
                )
            ).all()
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
        self._connection.execute(update(versions).where(versions.c.id == version.id).values(values))
        if tags is not None:
            write_tags(self._connection, version_tags, "version_id", version.id, tags)
        return self.require(version.name)

    def live_child_of(self, version_id: int, *, outside_model: int | None = None) -> VersionName | None:
        """A version that is not a tombstone and names this one as its parent, or None.

        ``outside_model`` leaves the children in one model out.
        """
        statement = _VERSIONS.join(version_parents, version_parents.c.version_id == versions.c.id).where(
            version_parents.c.parent_id == version_id, versions.c.state != VersionState.DELETED
        )
        if outside_model is not None:
            statement = statement.where(versions.c.model_id != outside_model)
        row = self._connection.execute(statement.limit(1)).one_or_none()
        return None if row is None else VersionName(row.project, row.model, row.number)

    def live(self, model_id: int) -> list[VersionRecord]:
        """All versions of a model that are not tombstones, oldest first."""
        return self._records(
            self._connection.execute(
                _VERSIONS.where(
                    versions.c.model_id == model_id, versions.c.state != VersionState.DELETED
                ).order_by(versions.c.number)
            ).all()
        )

    def _insert_all(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), rows)

    def _first(self, rows: Sequence[Row[Any]]) -> VersionRecord | None:
        return self._records(rows)[0] if rows else None

    def _records(self, rows: Sequence[Row[Any]]) -> list[VersionRecord]:
        ids = [row.id for row in rows]
        if not ids:
            return []
        tags = read_tags(self._connection, version_tags, "version_id", ids)
        metrics = MetricStore(self._connection).latest(ids)
        stages = self._pointers(stage_pointers, "stage", ids)
        alias_names = self._pointers(aliases, "name", ids)
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
                stages=tuple(stages.get(row.id, ())),
                aliases=tuple(alias_names.get(row.id, ())),
                author=row.author,
                create_time=row.create_time,
                update_time=row.update_time,
                create_revision=row.create_revision,
                revision=row.revision,
            )
            for row in rows
        ]

    def _pointers(self, table: Table, name: str, ids: Sequence[int]) -> dict[int, list[str]]:
        column = table.c[name]
        names: dict[int, list[str]] = defaultdict(list)
        for version_id, pointer in self._connection.execute(
            select(table.c.version_id, column).where(table.c.version_id.in_(ids)).order_by(column)
        ):
            names[version_id].append(pointer)
        return names
