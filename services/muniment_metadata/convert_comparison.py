"""From a comparison to its message."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from google.protobuf.message import Message
from muniment.v1 import catalog_pb2
from muniment.v1 import comparison_pb2 as pb
from muniment_core.domain.access import Principal
from muniment_core.domain.catalog import Code, Dataset, MetricValue, Parent, Run, VersionRecord
from muniment_core.domain.manifest_files import ListedFile
from muniment_core.rpc.convert import timestamp

from muniment_metadata.compare import Comparison, Difference, DifferenceKind, Differences
from muniment_metadata.convert import (
    code_message,
    dataset_message,
    metric_message,
    param_message,
    parent_message,
    run_message,
)
from muniment_metadata.visibility import may_read

T = TypeVar("T")
M = TypeVar("M", bound=Message)


def comparison_message(
    comparison: Comparison, *, include_equal: bool, principal: Principal
) -> pb.VersionComparison:
    """A comparison for an answer to a caller, who is not told names of parents it may not read."""

    def listed(differences: Iterable[Difference[T]], message: Callable[[Difference[T]], M]) -> list[M]:
        return [
            message(difference)
            for difference in differences
            if include_equal or difference.kind is not DifferenceKind.EQUAL
        ]

    def one(difference: Difference[T] | None, message: Callable[[Difference[T]], M]) -> M | None:
        return next(iter(listed([difference] if difference else [], message)), None)

    def parent(edge: Parent) -> catalog_pb2.Parent:
        message = parent_message(edge)
        if not may_read(principal, edge.version.project):
            message.version = ""
        return message

    return pb.VersionComparison(
        a=_version(comparison.a),
        b=_version(comparison.b),
        params=listed(
            comparison.params,
            lambda found: pb.ParamDifference(
                key=found.key, kind=_kind(found), **_sides(found, param_message)
            ),
        ),
        tags=listed(comparison.tags, _text_difference),
        metrics=listed(comparison.metrics, _metric_difference),
        datasets=listed(comparison.datasets, _dataset_difference),
        code=one(comparison.code, _code_difference),
        run=one(comparison.run, _run_difference),
        environment=listed(comparison.environment, _text_difference),
        packages=listed(comparison.packages, _text_difference),
        parents=listed(
            comparison.parents,
            lambda found: pb.ParentDifference(kind=_kind(found), **_sides(found, parent)),
        ),
        files=listed(comparison.files or (), _file_difference),
        file_counts=None if comparison.files is None else _counts(comparison.files),
        files_compared=comparison.files is not None,
    )


def _kind(difference: Difference[Any]) -> Any:
    return f"DIFFERENCE_KIND_{difference.kind}"


def _sides(difference: Difference[T], message: Callable[[T], M]) -> dict[str, Any]:
    """The fields ``a`` and ``b``, for those sides that have something."""
    sides = {"a": difference.a, "b": difference.b}
    return {side: message(value) for side, value in sides.items() if value is not None}


def _version(version: VersionRecord) -> pb.ComparedVersion:
    return pb.ComparedVersion(
        name=version.name.text,
        digest=version.digest,
        state=f"VERSION_STATE_{version.state}",
        size_bytes=version.size_bytes,
        file_count=version.file_count,
        author=version.author,
        create_time=timestamp(version.create_time),
    )


def _text_difference(found: Difference[str]) -> pb.TextDifference:
    return pb.TextDifference(key=found.key, kind=_kind(found), a=found.a, b=found.b)


def _metric_difference(found: Difference[MetricValue]) -> pb.MetricDifference:
    less = found.b.value - found.a.value if found.a and found.b else math.nan
    return pb.MetricDifference(
        key=found.key,
        kind=_kind(found),
        difference=less if math.isfinite(less) else None,
        **_sides(found, metric_message),
    )


def _dataset_difference(found: Difference[Dataset]) -> pb.DatasetDifference:
    return pb.DatasetDifference(kind=_kind(found), **_sides(found, dataset_message))


def _code_difference(found: Difference[Code]) -> pb.CodeDifference:
    return pb.CodeDifference(kind=_kind(found), **_sides(found, code_message))


def _run_difference(found: Difference[Run]) -> pb.RunDifference:
    return pb.RunDifference(kind=_kind(found), **_sides(found, run_message))


def _file_difference(found: Difference[ListedFile]) -> pb.FileDifference:
    return pb.FileDifference(
        path=found.key,
        kind=_kind(found),
        digest_a=found.a.digest if found.a else "",
        digest_b=found.b.digest if found.b else "",
        size_bytes_a=found.a.size if found.a else 0,
        size_bytes_b=found.b.size if found.b else 0,
    )


def _counts(files: Differences[ListedFile]) -> pb.FileCounts:
    counts = Counter(file.kind for file in files)
    new = (DifferenceKind.ADDED, DifferenceKind.CHANGED)
    return pb.FileCounts(
        equal=counts[DifferenceKind.EQUAL],
        added=counts[DifferenceKind.ADDED],
        removed=counts[DifferenceKind.REMOVED],
        changed=counts[DifferenceKind.CHANGED],
        new_bytes=sum(file.b.size for file in files if file.b and file.kind in new),
    )
