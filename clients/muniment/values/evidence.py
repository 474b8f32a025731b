"""What a version is made of and was made by: data sets, metrics, code, run, environment, parents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from muniment.values.edge import enum_word, time_of

if TYPE_CHECKING:
    from muniment.v1 import catalog_pb2

Relation = Literal["DERIVED", "FINETUNED", "ADAPTER", "QUANTIZED", "MERGED", "DISTILLED"]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set a version was trained or evaluated on.

    Attributes:
        name: 1 to 250 characters.
        version: empty when not told.
        digest: ``sha256:<64 hex>`` of its contents, or empty.
        uri: where it is kept, as text; nothing ever opens it.
        role: what it served for, for example ``holdout``; empty means ``train``. A version was trained on data
            sets whose role is ``train``, ``training``, ``pretrain``, ``finetune`` or the like.
    """

    name: str
    version: str = ""
    digest: str = ""
    uri: str = ""
    role: str = ""

    @classmethod
    def of(cls, message: catalog_pb2.Dataset) -> Dataset:
        return cls(message.name, message.version, message.digest, message.uri, message.role)


@dataclass(frozen=True, slots=True)
class Metric:
    """One measured value.

    Attributes:
        step: training step, 0 when there is none.
        dataset: name of the data set it was measured on, or empty.
        reporter: principal that reported it; set by the server.
        measure_time: when it was measured; when the server received it if not given.
    """

    key: str
    value: float
    step: int = 0
    dataset: str = ""
    reporter: str = ""
    measure_time: datetime | None = None
    message: catalog_pb2.Metric | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, message: catalog_pb2.Metric) -> Metric:
        return cls(
            message.key,
            message.value,
            message.step,
            message.dataset,
            message.reporter,
            time_of(message, "measure_time"),
            message,
        )


@dataclass(frozen=True, slots=True)
class Code:
    """The code that made a version; empty fields were not told."""

    repository: str = ""
    commit: str = ""
    dirty: bool = False
    entry_point: str = ""

    @classmethod
    def of(cls, message: catalog_pb2.Code) -> Code:
        return cls(message.repository, message.commit, message.dirty, message.entry_point)


@dataclass(frozen=True, slots=True)
class Run:
    """The run that made a version: its id in the system that ran it, and where to look at it."""

    id: str
    uri: str = ""

    @classmethod
    def of(cls, message: catalog_pb2.Run) -> Run:
        return cls(message.id, message.uri)


@dataclass(frozen=True, slots=True)
class Signature:
    """That the files of a version were signed: digest of the bundle, and PEM of the key that made it."""

    bundle_digest: str
    public_key: str

    @classmethod
    def of(cls, message: catalog_pb2.Signature) -> Signature:
        return cls(message.bundle_digest, message.public_key)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a version was made."""

    python: str = ""
    platform: str = ""
    host: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, message: catalog_pb2.Environment) -> Environment:
        return cls(message.python, message.platform, message.host, dict(message.packages))


@dataclass(frozen=True, slots=True)
class ProcessingStep:
    """What was done to data or model."""

    name: str
    description: str = ""

    @classmethod
    def of(cls, message: catalog_pb2.ProcessingStep) -> ProcessingStep:
        return cls(message.name, message.description)


@dataclass(frozen=True, slots=True)
class Parent:
    """A version another one was made from.

    Attributes:
        version: when pushing a selector, when read a resource name.
        relation: how the child was made from it.
    """

    version: str
    relation: Relation = "DERIVED"

    @classmethod
    def of(cls, message: catalog_pb2.Parent) -> Parent:
        from muniment.v1 import catalog_pb2

        relation = enum_word(catalog_pb2.ParentRelation, message.relation, "PARENT_RELATION_")
        return cls(message.version, relation)  # type: ignore[arg-type]  # a newer server may know more words
