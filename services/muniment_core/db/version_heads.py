"""Which versions are asked for, and how large they are: told before any of them is read.

A version may be as large as a request: a thousand of them would fill the memory, to have two megabytes sent. How
large what is frozen is, either database knows without reading it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from muniment.names import ModelName, VersionName
from sqlalchemy import BigInteger, Connection, bindparam, func, literal_column, select

from muniment_core.db.id_list import among
from muniment_core.db.prepared import Prepared
from muniment_core.db.tables import models, projects, version_tags, versions
from muniment_core.domain.catalog import VersionState

_SIZE = (
    func.length(versions.c.record)
    + func.length(versions.c.description)
    + select(func.coalesce(func.sum(func.length(version_tags.c.value)), 0))
    .where(version_tags.c.version_id == versions.c.id)
    .scalar_subquery()
).label("size")
_HEADS = select(versions.c.id, versions.c.number, _SIZE)
_PAGE = (
    _HEADS.where(versions.c.model_id == bindparam("in_model"), versions.c.number < bindparam("before"))
    .order_by(versions.c.number.desc())
    .limit(bindparam("most", type_=BigInteger()))
)
_PAGE_WITH_DELETED = Prepared(_PAGE)
_PAGE_OF_LIVE = Prepared(_PAGE.where(versions.c.state != literal_column(f"'{VersionState.DELETED.value}'")))
_NAMED = Prepared(
    _HEADS.join(models, models.c.id == versions.c.model_id)
    .join(projects, projects.c.id == models.c.project_id)
    .where(
        projects.c.name == bindparam("in_project"),
        models.c.name == bindparam("in_model"),
        among(versions.c.number, "numbers"),
    )
)
_BY_IDS = Prepared(_HEADS.where(among(versions.c.id, "ids")))
_BEYOND_ALL = 2**62


@dataclass(frozen=True, slots=True)
class VersionHead:
    """What tells whether a version is to be read.

    Attributes:
        id: its key.
        size: about how many bytes are recorded of it.
    """

    id: int
    number: int
    size: int


class VersionHeads:
    """Heads of versions on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def named(self, names: Sequence[VersionName]) -> dict[VersionName, VersionHead]:
        """Those of the named versions that exist."""
        by_model: dict[ModelName, list[int]] = defaultdict(list)
        for name in names:
            by_model[name.of_model].append(name.number)
        return {
            model.version(row.number): VersionHead(*row)
            for model, numbers in by_model.items()
            for row in _NAMED.all(
                self._connection, in_project=model.project, in_model=model.model, numbers=sorted({*numbers})
            )
        }

    def page(self, model_id: int, *, before: int | None, limit: int, deleted: bool) -> list[VersionHead]:
        """Versions of a model, newest first, with a smaller number than one."""
        statement = _PAGE_WITH_DELETED if deleted else _PAGE_OF_LIVE
        rows = statement.all(
            self._connection, in_model=model_id, before=_BEYOND_ALL if before is None else before, most=limit
        )
        return [VersionHead(*row) for row in rows]

    def sizes(self, ids: Sequence[int]) -> list[int]:
        """The sizes of versions by their keys, in the order asked for; all must exist."""
        found = {row.id: row.size for row in _BY_IDS.all(self._connection, ids=ids)}
        return [found[version_id] for version_id in ids]
