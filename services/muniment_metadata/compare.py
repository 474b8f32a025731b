"""What differs between two versions."""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeAlias, TypeVar

from muniment.digests import Digest
from muniment.names import VersionName
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Principal
from muniment_core.domain.catalog import Code, Dataset, MetricValue, Parent, Run, VersionRecord, VersionState
from muniment_core.domain.errors import ManifestNotFound
from muniment_core.domain.manifest_files import ListedFile, listed_files

from muniment_metadata.versions import get_version
from muniment_metadata.visibility import check_readable

T = TypeVar("T")


class DifferenceKind(StrEnum):
    """How something of the left side relates to its counterpart on the right."""

    EQUAL = "EQUAL"
    ADDED = "ADDED"
    REMOVED = "REMOVED"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class Difference(Generic[T]):
    """Something on both sides; None where it is not there."""

    key: str
    kind: DifferenceKind
    a: T | None
    b: T | None


Differences: TypeAlias = tuple[Difference[T], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two versions side by side; every tuple is ordered by key.

    Attributes:
        files: None when a list of files was collected.
    """

    a: VersionRecord
    b: VersionRecord
    params: Differences[str | float]
    tags: Differences[str]
    metrics: Differences[MetricValue]
    datasets: Differences[Dataset]
    code: Difference[Code] | None
    run: Difference[Run] | None
    environment: Differences[str]
    packages: Differences[str]
    parents: Differences[Parent]
    files: Differences[ListedFile] | None


def compare_versions(
    reader: Reader, project: str, names: tuple[VersionName, VersionName], *, principal: Principal
) -> Comparison:
    """Everything recorded of two versions, side by side, what is equal included.

    Args:
        project: where the caller asks from.

    Raises:
        ProjectNotFound: if that project does not exist.
        VersionNotFound: if one of the versions does not exist, or the caller may not read it.
    """
    reader.projects.require(project)
    for name in names:
        check_readable(name, principal)
    a, b = (get_version(reader, name) for name in names)
    left, right = a.frozen, b.frozen
    return Comparison(
        a=a,
        b=b,
        params=_paired(left.params, right.params),
        tags=_paired(a.tags, b.tags),
        metrics=_paired(_by_key(a.metrics), _by_key(b.metrics), same=_same_value),
        datasets=_paired(_by_name_and_role(left.datasets), _by_name_and_role(right.datasets)),
        code=_one("code", left.code, right.code),
        run=_one("run", left.run, right.run),
        environment=_paired(_places(a), _places(b)),
        packages=_paired(
            left.environment.packages if left.environment else {},
            right.environment.packages if right.environment else {},
        ),
        parents=_paired(_by_parent(left.parents), _by_parent(right.parents)),
        files=_files(reader, a, b),
    )


def _files(reader: Reader, a: VersionRecord, b: VersionRecord) -> Differences[ListedFile] | None:
    sides: list[dict[str, ListedFile]] = []
    for version in (a, b):
        project = reader.projects.require(version.name.project)
        try:
            manifest = reader.artifacts.require_manifest(project.id, Digest(version.digest))
        except ManifestNotFound:
            # Only of a tombstone may the list of files have been collected; any other gap is damage.
            if version.state is not VersionState.DELETED:
                raise
            return None
        sides.append({file.path: file for file in listed_files(manifest.body)})
    left, right = sides
    return _paired(left, right)


def _paired(
    a: Mapping[str, T], b: Mapping[str, T], same: Callable[[T, T], bool] = operator.eq
) -> Differences[T]:
    return tuple(_difference(key, a.get(key), b.get(key), same) for key in sorted({*a, *b}))


def _one(key: str, a: T | None, b: T | None) -> Difference[T] | None:
    return None if a is None and b is None else _difference(key, a, b, operator.eq)


def _difference(key: str, a: T | None, b: T | None, same: Callable[[T, T], bool]) -> Difference[T]:
    if a is None:
        kind = DifferenceKind.ADDED
    elif b is None:
        kind = DifferenceKind.REMOVED
    else:
        kind = DifferenceKind.EQUAL if same(a, b) else DifferenceKind.CHANGED
    return Difference(key, kind, a, b)


def _same_value(a: MetricValue, b: MetricValue) -> bool:
    return a.value == b.value or (math.isnan(a.value) and math.isnan(b.value))


def _by_key(metrics: Iterable[MetricValue]) -> dict[str, MetricValue]:
    return {metric.key: metric for metric in metrics}


def _by_name_and_role(datasets: Iterable[Dataset]) -> dict[str, Dataset]:
    return _numbered((f"{dataset.name}\0{dataset.role}", dataset) for dataset in datasets)


def _by_parent(parents: Iterable[Parent]) -> dict[str, Parent]:
    return _numbered((parent.version.text, parent) for parent in parents)


def _numbered(pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    """The values by key; those that share one are told apart by their order."""
    seen: Counter[str] = Counter()
    found = {}
    for key, value in pairs:
        found[f"{key}\0{seen[key]:03}"] = value
        seen[key] += 1
    return found


def _places(version: VersionRecord) -> dict[str, str]:
    where = version.frozen.environment
    if where is None:
        return {}
    told = {"python": where.python, "platform": where.platform, "host": where.host}
    return {key: text for key, text in told.items() if text}
