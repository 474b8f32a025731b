"""What differs between two versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from muniment.values.edge import enum_word, time_of
from muniment.values.evidence import Code, Dataset, Metric, Parent, Run

if TYPE_CHECKING:
    from muniment.v1 import comparison_pb2

T = TypeVar("T")
DifferenceKind = Literal["EQUAL", "ADDED", "REMOVED", "CHANGED"]


@dataclass(frozen=True, slots=True)
class ComparedVersion:
    """One side of a comparison."""

    name: str
    digest: str
    state: str
    size_bytes: int
    file_count: int
    author: str
    create_time: datetime | None

    @classmethod
    def of(cls, message: comparison_pb2.ComparedVersion) -> ComparedVersion:
        from muniment.v1 import catalog_pb2

        return cls(
            name=message.name,
            digest=message.digest,
            state=enum_word(catalog_pb2.VersionState, message.state, "VERSION_STATE_"),
            size_bytes=message.size_bytes,
            file_count=message.file_count,
            author=message.author,
            create_time=time_of(message, "create_time"),
        )


@dataclass(frozen=True, slots=True)
class Difference(Generic[T]):
    """Something on both sides.

    Attributes:
        key: what it is the value of; empty where the value names itself.
        kind: ``ADDED``: only the right side has it; ``REMOVED``: only the left one.
        a: left side, None when it is not there.
        b: right side, None when it is not there.
        less: of metrics: right less left; None unless both are finite.
    """

    key: str
    kind: DifferenceKind
    a: T | None
    b: T | None
    less: float | None = None


@dataclass(frozen=True, slots=True)
class ComparedFile:
    """A file of one side; size in bytes."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FileCounts:
    """How many files there are of each kind; ``new_bytes`` is what the right side brought."""

    equal: int
    added: int
    removed: int
    changed: int
    new_bytes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions side by side: what differs, and what is equal too if that was asked for.

    Attributes:
        environment: Python, platform and host.
        packages: installed packages by name.
        files: by path; ``file_counts`` is None when the list of files of a deleted version was collected.
    """

    a: ComparedVersion
    b: ComparedVersion
    params: tuple[Difference[str | float], ...]
    tags: tuple[Difference[str], ...]
    metrics: tuple[Difference[Metric], ...]
    datasets: tuple[Difference[Dataset], ...]
    code: Difference[Code] | None
    run: Difference[Run] | None
    environment: tuple[Difference[str], ...]
    packages: tuple[Difference[str], ...]
    parents: tuple[Difference[Parent], ...]
    files: tuple[Difference[ComparedFile], ...]
    file_counts: FileCounts | None
    message: comparison_pb2.VersionComparison = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: comparison_pb2.VersionComparison) -> Comparison:
        counts = message.file_counts
        return cls(
            a=ComparedVersion.of(message.a),
            b=ComparedVersion.of(message.b),
            params=_differences(message.params, _param),
            tags=_differences(message.tags, str),
            metrics=_differences(message.metrics, Metric.of),
            datasets=_differences(message.datasets, Dataset.of),
            code=_difference(message.code, Code.of) if message.HasField("code") else None,
            run=_difference(message.run, Run.of) if message.HasField("run") else None,
            environment=_differences(message.environment, str),
            packages=_differences(message.packages, str),
            parents=_differences(message.parents, Parent.of),
            files=tuple(map(_file, message.files)),
            file_counts=FileCounts(
                counts.equal, counts.added, counts.removed, counts.changed, counts.new_bytes
            )
            if message.HasField("file_counts")
            else None,
            message=message,
        )


def _differences(messages: Iterable[Any], value: Callable[[Any], T]) -> tuple[Difference[T], ...]:
    return tuple(_difference(message, value) for message in messages)


def _difference(message: Any, value: Callable[[Any], T]) -> Difference[T]:
    fields = message.DESCRIPTOR.fields_by_name
    return Difference(
        key=message.key if "key" in fields else "",
        kind=_kind(message),
        a=value(message.a) if message.HasField("a") else None,
        b=value(message.b) if message.HasField("b") else None,
        less=message.difference if "difference" in fields and message.HasField("difference") else None,
    )


def _file(message: comparison_pb2.FileDifference) -> Difference[ComparedFile]:
    return Difference(
        key=message.path,
        kind=_kind(message),
        a=ComparedFile(message.digest_a, message.size_bytes_a) if message.digest_a else None,
        b=ComparedFile(message.digest_b, message.size_bytes_b) if message.digest_b else None,
    )


def _kind(message: Any) -> DifferenceKind:
    from muniment.v1 import comparison_pb2

    # A newer server may know more words.
    return cast(DifferenceKind, enum_word(comparison_pb2.DifferenceKind, message.kind, "DIFFERENCE_KIND_"))


def _param(message: Any) -> str | float:
    value: str | float = message.number if message.WhichOneof("kind") == "number" else message.text
    return value
