"""What was current, pointed to and in use as of a revision."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from muniment_core.db.history_tables import alias_moves, version_state_moves
from muniment_core.db.tables import ledger_entries, stage_moves, versions
from muniment_core.domain.catalog import VersionState

_state = (
    select(version_state_moves.c.state)
    .where(
        version_state_moves.c.version_id == versions.c.id,
        version_state_moves.c.revision <= bindparam("revision"),
    )
    .order_by(version_state_moves.c.revision.desc())
    .limit(1)
    .scalar_subquery()
)
_NEWEST_READY = (
    select(versions.c.number)
    .where(
        versions.c.model_id == bindparam("model"),
        versions.c.number <= bindparam("newest"),
        func.coalesce(_state, VersionState.READY.value) == VersionState.READY.value,
    )
    .order_by(versions.c.number.desc())
    .limit(1)
)
_NEWEST_READY_BY_DIGEST = _NEWEST_READY.where(versions.c.digest == bindparam("digest"))
_CREATED = select(versions.c.create_revision).where(
    versions.c.model_id == bindparam("model"), versions.c.number == bindparam("number")
)
_IN_STAGE = (
    select(versions.c.number)
    .join(stage_moves, stage_moves.c.version_id == versions.c.id)
    .where(
        stage_moves.c.model_id == bindparam("model"),
        stage_moves.c.stage == bindparam("pointer"),
        stage_moves.c.revision <= bindparam("revision"),
    )
    .order_by(stage_moves.c.revision.desc())
    .limit(1)
)
_BY_ALIAS = (
    select(versions.c.number)
    .select_from(alias_moves)
    .outerjoin(versions, versions.c.id == alias_moves.c.version_id)
    .where(
        alias_moves.c.model_id == bindparam("model"),
        alias_moves.c.name == bindparam("pointer"),
        alias_moves.c.revision <= bindparam("revision"),
    )
    .order_by(alias_moves.c.revision.desc())
    .limit(1)
)
_NOT_LATER = (
    select(ledger_entries.c.revision)
    .where(ledger_entries.c.time <= bindparam("time"))
    .order_by(ledger_entries.c.time.desc(), ledger_entries.c.revision.desc())
    .limit(1)
)


class HistoryStore:
    """Looks back, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def revision_at(self, time: datetime) -> int:
        """The last revision whose entry is not later than a time, 0 if there is none.

        The writer sees to it that times never run backwards in the order of revisions.
        """
        return int(self._connection.execute(_NOT_LATER, {"time": time}).scalar_one_or_none() or 0)

    def in_stage(self, model_id: int, stage: str, revision: int) -> int | None:
        """Number of the version that was current in a stage, or None."""
        return self._number(_IN_STAGE, model=model_id, pointer=stage, revision=revision)

    def by_alias(self, model_id: int, alias: str, revision: int) -> int | None:
        """Number of the version an alias pointed to, or None when there was no such alias."""
        return self._number(_BY_ALIAS, model=model_id, pointer=alias, revision=revision)

    def newest_ready(
        self, model_id: int, revision: int, *, latest_number: int, digest: str | None = None
    ) -> int | None:
        """Number of the newest version that was READY, of all or of those with a digest; None without any.

        Args:
            latest_number: the newest number the model has issued by now.
        """
        newest = self._issued(model_id, revision, latest_number)
        if digest is None:
            return self._number(_NEWEST_READY, model=model_id, newest=newest, revision=revision)
        return self._number(
            _NEWEST_READY_BY_DIGEST, model=model_id, newest=newest, revision=revision, digest=digest
        )

    def existed(self, model_id: int, number: int, revision: int) -> bool:
        """Whether a version of this number had been created."""
        created = self._number(_CREATED, model=model_id, number=number)
        return created is not None and created <= revision

    def _issued(self, model_id: int, revision: int, latest_number: int) -> int:
        """The newest number issued by a revision: numbers and the revisions they were issued at grow together."""
        below, beyond = 0, latest_number + 1
        while beyond - below > 1:
            middle = (below + beyond) // 2
            if self.existed(model_id, middle, revision):
                below = middle
            else:
                beyond = middle
        return below

    def _number(self, statement: object, **values: object) -> int | None:
        found = self._connection.execute(statement, values).scalar_one_or_none()  # type: ignore[call-overload]
        return None if found is None else int(found)
