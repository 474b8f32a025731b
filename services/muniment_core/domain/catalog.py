"""What is recorded of models and versions, as pure values."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from muniment.names import ModelName, VersionName

from muniment_core.domain.canonical import canonical_json
from muniment_core.domain.ledger import format_time


class ModelState(StrEnum):
    """Whether a model is in use or a tombstone."""

    ACTIVE = "ACTIVE"
    DELETED = "DELETED"


class VersionState(StrEnum):
    """What may be done with a version."""

    READY = "READY"
    ARCHIVED = "ARCHIVED"
    DELETED = "DELETED"


class ParentRelation(StrEnum):
    """How a version was made from another one."""

    DERIVED = "derived"
    FINETUNED = "finetuned"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    MERGED = "merged"
    DISTILLED = "distilled"


TRAINING_ROLES = frozenset(
    {"train", "training", "pretrain", "pretraining", "finetune", "finetuning", "fine-tune", "fine-tuning"}
)
"""Roles of data sets that a version was trained on, in lower case; one it was only judged by has another."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set by name, version and digest; empty text where a fact was not told."""

    name: str
    version: str = ""
    digest: str = ""
    uri: str = ""
    role: str = "train"


@dataclass(frozen=True, slots=True)
class Parent:
    """An edge to a parent version."""

    version: VersionName
    relation: ParentRelation


@dataclass(frozen=True, slots=True)
class Code:
    """The code that made a version."""

    repository: str = ""
    commit: str = ""
    dirty: bool = False
    entry_point: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """The run that made a version."""

    id: str
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a version was made."""

    python: str = ""
    platform: str = ""
    host: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessingStep:
    """One step of processing."""

    name: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One measured value."""

    key: str
    value: float
    step: int
    dataset: str
    reporter: str
    measure_time: datetime


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature of a version's files, verified at its creation.

    Attributes:
        bundle_digest: ``sha256:<hex>`` of the bundle, which is kept beside the record.
        public_key: PEM of the key that made it.
    """

    bundle_digest: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenRecord:
    """Everything of a version that never changes, beside its bytes."""

    params: Mapping[str, str | float] = field(default_factory=dict)
    datasets: tuple[Dataset, ...] = ()
    parents: tuple[Parent, ...] = ()
    code: Code | None = None
    run: Run | None = None
    environment: Environment | None = None
    processing_steps: tuple[ProcessingStep, ...] = ()
    signature: Signature | None = None

    def to_bytes(self) -> bytes:
        """RFC 8785 canonical JSON; members without a value are left out."""
        members: dict[str, Any] = {
            "params": dict(self.params),
            "datasets": [asdict(dataset) for dataset in self.datasets],
            "parents": [
                {"version": parent.version.text, "relation": parent.relation.value} for parent in self.parents
            ],
            "code": asdict(self.code) if self.code else None,
            "run": asdict(self.run) if self.run else None,
            "environment": asdict(self.environment) if self.environment else None,
            "processing_steps": [asdict(step) for step in self.processing_steps],
            "signature": asdict(self.signature) if self.signature else None,
        }
        return canonical_json({name: value for name, value in members.items() if value})

    @classmethod
    def from_bytes(cls, data: bytes) -> FrozenRecord:
        """Read what :meth:`to_bytes` wrote."""
        members = json.loads(data)
        return cls(
            params=members.get("params", {}),
            datasets=tuple(Dataset(**dataset) for dataset in members.get("datasets", ())),
            parents=tuple(
                Parent(VersionName.parse(parent["version"]), ParentRelation(parent["relation"]))
                for parent in members.get("parents", ())
            ),
            code=Code(**members["code"]) if "code" in members else None,
            run=Run(**members["run"]) if "run" in members else None,
            environment=Environment(**members["environment"]) if "environment" in members else None,
            processing_steps=tuple(ProcessingStep(**step) for step in members.get("processing_steps", ())),
            signature=Signature(**members["signature"]) if "signature" in members else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVersion:
    """What a caller registers.

    Attributes:
        bundle: of the signature in ``frozen``; empty without one.
    """

    digest: str
    description: str
    tags: Mapping[str, str]
    frozen: FrozenRecord
    metrics: tuple[MetricValue, ...]
    bundle: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A model.

    Attributes:
        id: its key in the database.
        stages: number of the current version by stage.
        revision: ledger revision of the last change of its own fields.
    """

    id: int
    name: ModelName
    description: str
    tags: Mapping[str, str]
    state: ModelState
    latest_number: int
    stages: Mapping[str, int]
    creator: str
    create_time: datetime
    update_time: datetime
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version.

    Attributes:
        id: its key in the database.
        metrics: the latest value of each metric, ordered by key.
        stages: where it is current.
        revision: ledger revision of the last change of description, tags or state.
    """

    id: int
    name: VersionName
    digest: str
    state: VersionState
    size_bytes: int
    file_count: int
    description: str
    tags: Mapping[str, str]
    frozen: FrozenRecord
    metrics: tuple[MetricValue, ...]
    stages: tuple[str, ...]
    aliases: tuple[str, ...]
    author: str
    create_time: datetime
    update_time: datetime
    create_revision: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasRecord:
    """A free pointer."""

    model: ModelName
    name: str
    number: int
    actor: str
    update_time: datetime


def etag_of(revision: int) -> str:
    """The etag of something last changed at a ledger revision."""
    return f"r{revision}"


def labels_digest(description: str, tags: Mapping[str, str]) -> str:
    """What the ledger holds of description and tags: sha256 over their canonical JSON."""
    return _digest({"description": description, "tags": dict(tags)})


def metrics_digest(metrics: tuple[MetricValue, ...]) -> str:
    """What the ledger holds of added metric values: sha256 over their canonical JSON, in order."""
    return _digest(
        [
            [
                metric.key,
                _number(metric.value),
                metric.step,
                metric.dataset,
                metric.reporter,
                format_time(metric.measure_time),
            ]
            for metric in metrics
        ]
    )


def bytes_digest(data: bytes) -> str:
    """``sha256:<hex>`` of bytes."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _digest(value: Any) -> str:
    return bytes_digest(canonical_json(value))


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinities: they are written as text."""
    return value if math.isfinite(value) else str(value)
