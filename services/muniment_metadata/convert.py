"""From catalog messages to values and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from google.protobuf.message import Message
from muniment.names import ModelName, VersionName
from muniment.signature import MAX_KEY
from muniment.v1 import catalog_pb2 as pb
from muniment.v1 import metadata_service_pb2
from muniment_core.db.project_store import ProjectRecord
from muniment_core.domain.catalog import (
    AliasRecord,
    Code,
    Dataset,
    Environment,
    FrozenRecord,
    MetricValue,
    ModelRecord,
    NewVersion,
    Parent,
    ParentRelation,
    ProcessingStep,
    Run,
    Signature,
    VersionRecord,
    bytes_digest,
    etag_of,
)
from muniment_core.domain.errors import InvalidField, LimitExceeded
from muniment_core.domain.limits import (
    MAX_COMMIT,
    MAX_DATASETS,
    MAX_DESCRIPTION,
    MAX_ENTRY_POINT,
    MAX_LABEL,
    MAX_METRICS,
    MAX_PACKAGES,
    MAX_PARAM_TEXT,
    MAX_PARAMS,
    MAX_PARENTS,
    MAX_SHORT_LABEL,
    MAX_STEP_DESCRIPTION,
    MAX_STEPS,
    MAX_URI,
)
from muniment_core.rpc.convert import digest, parse, tags, text, time, timestamp

_M = TypeVar("_M", bound=Message)

MAX_STEP_NUMBER = 2**53 - 1
"""Largest training step: what JSON numbers hold exactly."""

_RELATIONS = {
    pb.PARENT_RELATION_UNSPECIFIED: ParentRelation.DERIVED,
    pb.PARENT_RELATION_DERIVED: ParentRelation.DERIVED,
    pb.PARENT_RELATION_FINETUNED: ParentRelation.FINETUNED,
    pb.PARENT_RELATION_ADAPTER: ParentRelation.ADAPTER,
    pb.PARENT_RELATION_QUANTIZED: ParentRelation.QUANTIZED,
    pb.PARENT_RELATION_MERGED: ParentRelation.MERGED,
    pb.PARENT_RELATION_DISTILLED: ParentRelation.DISTILLED,
}


def expected_number(
    request: metadata_service_pb2.SetAliasRequest | metadata_service_pb2.DeleteAliasRequest,
) -> int | None:
    """The number the alias must point to, or None for no check.

    Raises:
        InvalidField: if it is negative.
    """
    if not request.HasField("expected_number"):
        return None
    if request.expected_number < 0:
        raise InvalidField(
            "expected_number", f"is {request.expected_number}; give a version number, or 0 for none"
        )
    return request.expected_number


def new_version(message: pb.Version, *, reporter: str, now: datetime, bundle: bytes = b"") -> NewVersion:
    """What a caller registers, checked, except for the signature.

    Raises:
        InvalidField, InvalidName, LimitExceeded: naming the field.
    """
    return NewVersion(
        bundle=bundle,
        digest=digest("version.digest", message.digest).text,
        description=text("version.description", message.description, MAX_DESCRIPTION),
        tags=tags("version.tags", message.tags),
        frozen=FrozenRecord(
            params=_params(message),
            datasets=tuple(
                _dataset(f"version.datasets[{index}]", dataset)
                for index, dataset in enumerate(_at_most("version.datasets", message.datasets, MAX_DATASETS))
            ),
            parents=tuple(
                _parent(f"version.parents[{index}]", parent)
                for index, parent in enumerate(_at_most("version.parents", message.parents, MAX_PARENTS))
            ),
            signature=_signature(message, bundle),
            code=_code(message.code) if message.HasField("code") else None,
            run=_run(message.run) if message.HasField("run") else None,
            environment=_environment(message.environment) if message.HasField("environment") else None,
            processing_steps=tuple(
                ProcessingStep(
                    text(f"version.processing_steps[{index}].name", step.name, MAX_LABEL, required=True),
                    text(
                        f"version.processing_steps[{index}].description",
                        step.description,
                        MAX_STEP_DESCRIPTION,
                    ),
                )
                for index, step in enumerate(
                    _at_most("version.processing_steps", message.processing_steps, MAX_STEPS)
                )
            ),
        ),
        metrics=new_metrics("version.metrics", message.metrics, reporter=reporter, now=now),
    )


def _signature(message: pb.Version, bundle: bytes) -> Signature | None:
    key = text("version.signature.public_key", message.signature.public_key, MAX_KEY)
    if bool(bundle) != bool(key):
        lacking = "version.signature.public_key" if bundle else "signature_bundle"
        raise InvalidField(lacking, "is required: a signature is a bundle and the key that made it")
    return Signature(bytes_digest(bundle), key) if bundle else None


def new_metrics(
    field: str, messages: Sequence[pb.Metric], *, reporter: str, now: datetime
) -> tuple[MetricValue, ...]:
    """Measured values to add, checked."""
    return tuple(
        _metric(f"{field}[{index}]", message, reporter=reporter, now=now)
        for index, message in enumerate(_at_most(field, messages, MAX_METRICS))
    )


def _metric(field: str, message: pb.Metric, *, reporter: str, now: datetime) -> MetricValue:
    if not 0 <= message.step <= MAX_STEP_NUMBER:
        raise InvalidField(f"{field}.step", f"is {message.step}, while 0 to {MAX_STEP_NUMBER} are allowed")
    return MetricValue(
        text(f"{field}.key", message.key, MAX_LABEL, required=True),
        message.value,
        message.step,
        text(f"{field}.dataset", message.dataset, MAX_LABEL),
        reporter,
        time(f"{field}.measure_time", message.measure_time) if message.HasField("measure_time") else now,
    )


def _params(message: pb.Version) -> dict[str, str | float]:
    if len(message.params) > MAX_PARAMS:
        raise LimitExceeded("version.params", MAX_PARAMS, len(message.params))
    params: dict[str, str | float] = {}
    for key in sorted(message.params):
        value = message.params[key]
        field = f"version.params[{key[:100]}]"
        text(f"{field} key", key, MAX_LABEL, required=True)
        match value.WhichOneof("kind"):
            case "number":
                if not math.isfinite(value.number):
                    raise InvalidField(
                        field, f"is {value.number}: give it as text, parameters compare as finite numbers"
                    )
                params[key] = value.number
            case "text":
                params[key] = text(field, value.text, MAX_PARAM_TEXT)
            case _:
                raise InvalidField(field, "has no value: set text or number")
    return params


def _dataset(field: str, message: pb.Dataset) -> Dataset:
    return Dataset(
        text(f"{field}.name", message.name, MAX_LABEL, required=True),
        text(f"{field}.version", message.version, MAX_LABEL),
        digest(f"{field}.digest", message.digest).text if message.digest else "",
        text(f"{field}.uri", message.uri, MAX_URI),
        text(f"{field}.role", message.role, MAX_SHORT_LABEL) or "train",
    )


def _parent(field: str, message: pb.Parent) -> Parent:
    relation = _RELATIONS.get(message.relation)
    if relation is None:
        raise InvalidField(f"{field}.relation", f"is {message.relation}, which is not a relation")
    return Parent(parse(f"{field}.version", VersionName.parse, message.version), relation)


def _code(message: pb.Code) -> Code:
    return Code(
        text("version.code.repository", message.repository, MAX_URI),
        text("version.code.commit", message.commit, MAX_COMMIT),
        message.dirty,
        text("version.code.entry_point", message.entry_point, MAX_ENTRY_POINT),
    )


def _run(message: pb.Run) -> Run:
    return Run(
        text("version.run.id", message.id, MAX_LABEL, required=True),
        text("version.run.uri", message.uri, MAX_URI),
    )


def _environment(message: pb.Environment) -> Environment:
    if len(message.packages) > MAX_PACKAGES:
        raise LimitExceeded("version.environment.packages", MAX_PACKAGES, len(message.packages))
    packages = {}
    for name, version in sorted(message.packages.items()):
        text("version.environment.packages key", name, MAX_LABEL, required=True)
        packages[name] = text(f"version.environment.packages[{name}]", version, MAX_LABEL)
    return Environment(
        text("version.environment.python", message.python, MAX_SHORT_LABEL),
        text("version.environment.platform", message.platform, MAX_LABEL),
        text("version.environment.host", message.host, MAX_LABEL),
        packages,
    )


def _at_most(field: str, messages: Sequence[_M], limit: int) -> Sequence[_M]:
    if len(messages) > limit:
        raise LimitExceeded(field, limit, len(messages))
    return messages


def project_message(project: ProjectRecord) -> pb.Project:
    """A project for an answer."""
    return pb.Project(
        name=f"projects/{project.name}",
        description=project.description,
        stages=project.stages,
        create_time=timestamp(project.create_time),
        etag=etag_of(project.revision),
    )


def model_message(model: ModelRecord) -> pb.Model:
    """A model for an answer."""
    return pb.Model(
        name=model.name.text,
        description=model.description,
        tags=model.tags,
        state=f"MODEL_STATE_{model.state}",
        latest_number=model.latest_number,
        stages=[pb.StagePointer(stage=stage, number=number) for stage, number in model.stages.items()],
        creator=model.creator,
        create_time=timestamp(model.create_time),
        update_time=timestamp(model.update_time),
        etag=etag_of(model.revision),
    )


def version_message(version: VersionRecord) -> pb.Version:
    """A version for an answer."""
    frozen = version.frozen
    message = pb.Version(
        name=version.name.text,
        number=version.name.number,
        digest=version.digest,
        state=f"VERSION_STATE_{version.state}",
        size_bytes=version.size_bytes,
        file_count=version.file_count,
        description=version.description,
        tags=version.tags,
        datasets=map(dataset_message, frozen.datasets),
        parents=map(parent_message, frozen.parents),
        processing_steps=[
            pb.ProcessingStep(name=step.name, description=step.description)
            for step in frozen.processing_steps
        ],
        metrics=map(metric_message, version.metrics),
        stages=version.stages,
        aliases=version.aliases,
        author=version.author,
        create_time=timestamp(version.create_time),
        update_time=timestamp(version.update_time),
        create_revision=version.create_revision,
        etag=etag_of(version.revision),
    )
    for key, value in frozen.params.items():
        message.params[key].CopyFrom(param_message(value))
    if frozen.code:
        message.code.CopyFrom(code_message(frozen.code))
    if frozen.run:
        message.run.CopyFrom(run_message(frozen.run))
    if frozen.signature:
        message.signature.bundle_digest = frozen.signature.bundle_digest
        message.signature.public_key = frozen.signature.public_key
    if frozen.environment:
        where = frozen.environment
        message.environment.CopyFrom(
            pb.Environment(
                python=where.python, platform=where.platform, host=where.host, packages=where.packages
            )
        )
    return message


def param_message(value: str | float) -> pb.ParamValue:
    """A training parameter for an answer."""
    return pb.ParamValue(text=value) if isinstance(value, str) else pb.ParamValue(number=value)


def dataset_message(dataset: Dataset) -> pb.Dataset:
    """A data set for an answer."""
    return pb.Dataset(
        name=dataset.name,
        version=dataset.version,
        digest=dataset.digest,
        uri=dataset.uri,
        role=dataset.role,
    )


def parent_message(parent: Parent) -> pb.Parent:
    """A parent for an answer."""
    return pb.Parent(version=parent.version.text, relation=f"PARENT_RELATION_{parent.relation.name}")


def code_message(code: Code) -> pb.Code:
    """Code for an answer."""
    return pb.Code(
        repository=code.repository, commit=code.commit, dirty=code.dirty, entry_point=code.entry_point
    )


def run_message(run: Run) -> pb.Run:
    """A run for an answer."""
    return pb.Run(id=run.id, uri=run.uri)


def metric_message(metric: MetricValue) -> pb.Metric:
    """A measured value for an answer."""
    return pb.Metric(
        key=metric.key,
        value=metric.value,
        step=metric.step,
        dataset=metric.dataset,
        reporter=metric.reporter,
        measure_time=timestamp(metric.measure_time),
    )


def alias_message(alias: AliasRecord) -> pb.Alias:
    """An alias for an answer."""
    model: ModelName = alias.model
    return pb.Alias(
        name=model.alias(alias.name).text,
        number=alias.number,
        actor=alias.actor,
        update_time=timestamp(alias.update_time),
    )
