"""Projects, models, versions and aliases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from muniment.names import ModelName, VersionName
from muniment.values.edge import enum_word, time_of
from muniment.values.evidence import (
    Code,
    Dataset,
    Environment,
    Metric,
    Parent,
    ProcessingStep,
    Run,
    Signature,
)

if TYPE_CHECKING:
    from muniment.v1 import catalog_pb2


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant; ``stages`` in promotion order."""

    name: str
    description: str
    stages: tuple[str, ...]
    create_time: datetime | None
    etag: str
    message: catalog_pb2.Project = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: catalog_pb2.Project) -> Project:
        return cls(
            name=message.name,
            description=message.description,
            stages=tuple(message.stages),
            create_time=time_of(message, "create_time"),
            etag=message.etag,
            message=message,
        )


@dataclass(frozen=True, slots=True)
class StagePointer:
    """A stage and the number of the version that is current in it."""

    stage: str
    number: int


@dataclass(frozen=True, slots=True)
class Model:
    """A named line of versions; ``latest_number`` 0: none yet."""

    name: str
    description: str
    tags: Mapping[str, str]
    state: str
    latest_number: int
    stages: tuple[StagePointer, ...]
    creator: str
    create_time: datetime | None
    update_time: datetime | None
    etag: str
    message: catalog_pb2.Model = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: catalog_pb2.Model) -> Model:
        from muniment.v1 import catalog_pb2

        return cls(
            name=message.name,
            description=message.description,
            tags=dict(message.tags),
            state=enum_word(catalog_pb2.ModelState, message.state, "MODEL_STATE_"),
            latest_number=message.latest_number,
            stages=tuple(StagePointer(pointer.stage, pointer.number) for pointer in message.stages),
            creator=message.creator,
            create_time=time_of(message, "create_time"),
            update_time=time_of(message, "update_time"),
            etag=message.etag,
            message=message,
        )

    @property
    def model_name(self) -> ModelName:
        return ModelName.parse(self.name)


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable registered model.

    Attributes:
        name: ``projects/{project}/models/{model}/versions/{number}``.
        digest: of the manifest, ``sha256:<64 hex>``.
        state: ``READY``, ``ARCHIVED`` or ``DELETED``.
        params: text and numbers as they were given.
        metrics: the latest value of each, by key order.
        create_revision: ledger revision of its creation; watch after it to follow what happens next.
    """

    name: str
    number: int
    digest: str
    state: str
    size_bytes: int
    file_count: int
    description: str
    tags: Mapping[str, str]
    params: Mapping[str, str | float]
    datasets: tuple[Dataset, ...]
    parents: tuple[Parent, ...]
    code: Code | None
    run: Run | None
    environment: Environment | None
    processing_steps: tuple[ProcessingStep, ...]
    metrics: tuple[Metric, ...]
    stages: tuple[str, ...]
    aliases: tuple[str, ...]
    author: str
    create_time: datetime | None
    update_time: datetime | None
    create_revision: int
    etag: str
    signature: Signature | None
    message: catalog_pb2.Version = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: catalog_pb2.Version) -> Version:
        from muniment.v1 import catalog_pb2

        return cls(
            name=message.name,
            number=message.number,
            digest=message.digest,
            state=enum_word(catalog_pb2.VersionState, message.state, "VERSION_STATE_"),
            size_bytes=message.size_bytes,
            file_count=message.file_count,
            description=message.description,
            tags=dict(message.tags),
            params={
                key: value.number if value.WhichOneof("kind") == "number" else value.text
                for key, value in message.params.items()
            },
            datasets=tuple(Dataset.of(dataset) for dataset in message.datasets),
            parents=tuple(Parent.of(parent) for parent in message.parents),
            code=Code.of(message.code) if message.HasField("code") else None,
            run=Run.of(message.run) if message.HasField("run") else None,
            environment=Environment.of(message.environment) if message.HasField("environment") else None,
            processing_steps=tuple(ProcessingStep.of(step) for step in message.processing_steps),
            metrics=tuple(Metric.of(metric) for metric in message.metrics),
            stages=tuple(message.stages),
            aliases=tuple(message.aliases),
            author=message.author,
            create_time=time_of(message, "create_time"),
            update_time=time_of(message, "update_time"),
            create_revision=message.create_revision,
            etag=message.etag,
            signature=Signature.of(message.signature) if message.HasField("signature") else None,
            message=message,
        )

    @property
    def version_name(self) -> VersionName:
        return VersionName.parse(self.name)


@dataclass(frozen=True, slots=True)
class Alias:
    """A free pointer to a version."""

    name: str
    number: int
    actor: str
    update_time: datetime | None
    message: catalog_pb2.Alias = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: catalog_pb2.Alias) -> Alias:
        return cls(message.name, message.number, message.actor, time_of(message, "update_time"), message)
