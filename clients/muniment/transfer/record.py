"""What is recorded with a version, from the values people write to the message that is sent."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

from muniment.names import VersionName
from muniment.registry.session import sendable
from muniment.transfer.signatures import SignatureFiles
from muniment.v1 import catalog_pb2
from muniment.values import Code, Dataset, Environment, Metric, Parent, ProcessingStep, Run, Version

Resolve = Callable[[Version | str], VersionName]
"""From a version or a selector to the resource name it means now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the caller of ``push`` says about a version."""

    metrics: Mapping[str, float] | Iterable[Metric]
    params: Mapping[str, object]
    tags: Mapping[str, str]
    datasets: tuple[Dataset, ...]
    parents: tuple[str | Version | Parent, ...]
    description: str
    run: Run | None
    steps: tuple[ProcessingStep, ...]
    signature: SignatureFiles | None = None

    def message(self, resolve: Resolve) -> catalog_pb2.Version:
        """The version to create, without the digest of its manifest and what is found out by itself.

        Args:
            resolve: asked for each parent.

        Raises:
            InvalidArgument: naming the argument that cannot be sent.
            MunimentError: as ``resolve`` raises it, for a parent that does not exist.
        """
        parents = [_parent(parent, resolve) for parent in self.parents]
        message = catalog_pb2.Version(parents=parents, metrics=metric_messages(self.metrics))
        with sendable("description"):
            message.description = self.description
        for key, param in self.params.items():
            with sendable(f"parameter {key!r}"):
                message.params[key].CopyFrom(_param(param))
        for key, tag in self.tags.items():
            with sendable(f"tag {key!r}"):
                message.tags[key] = str(tag)
        for dataset in self.datasets:
            with sendable(f"data set {dataset!r}"):
                message.datasets.add(
                    name=dataset.name,
                    version=dataset.version,
                    digest=dataset.digest,
                    uri=dataset.uri,
                    role=dataset.role,
                )
        for step in self.steps:
            with sendable(f"processing step {step!r}"):
                message.processing_steps.add(name=step.name, description=step.description)
        if self.signature is not None:
            message.signature.public_key = self.signature.public_key
        if self.run is not None:
            with sendable(f"run {self.run!r}"):
                message.run.CopyFrom(catalog_pb2.Run(id=self.run.id, uri=self.run.uri))
        return message


def note_provenance(version: catalog_pb2.Version, code: Code | None, environment: Environment) -> None:
    """Put down with a version what made it, when that is known, and where it was made."""
    if code is not None:
        version.code.CopyFrom(
            catalog_pb2.Code(
                repository=code.repository, commit=code.commit, dirty=code.dirty, entry_point=code.entry_point
            )
        )
    version.environment.CopyFrom(
        catalog_pb2.Environment(
            python=environment.python,
            platform=environment.platform,
            host=environment.host,
            packages=environment.packages,
        )
    )


def metric_messages(metrics: Mapping[str, float] | Iterable[Metric]) -> list[catalog_pb2.Metric]:
    """Metrics, given by name or one by one, as messages.

    Raises:
        InvalidArgument: naming the metric that cannot be sent.
    """
    with sendable("metrics"):
        if isinstance(metrics, Mapping):
            metrics = [Metric(key, value) for key, value in metrics.items()]
        metrics = list(metrics)
    messages = []
    for metric in metrics:
        with sendable(f"metric {getattr(metric, 'key', metric)!r}"):
            message = catalog_pb2.Metric(
                key=metric.key, value=float(metric.value), step=metric.step, dataset=metric.dataset
            )
            if metric.measure_time is not None:
                if metric.measure_time.tzinfo is None:
                    raise ValueError(f"its time {metric.measure_time.isoformat()} has no time zone")
                message.measure_time.FromDatetime(metric.measure_time)
            messages.append(message)
    return messages


def _param(value: object) -> catalog_pb2.ParamValue:
    """A number stays one when it is exact as a double; truth values and everything else are text."""
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if math.isfinite(number) and number == value:
            return catalog_pb2.ParamValue(number=number)
    return catalog_pb2.ParamValue(text=str(value))


def _parent(parent: str | Version | Parent, resolve: Resolve) -> catalog_pb2.Parent:
    known = parent if isinstance(parent, Parent) else None
    target = parent.version if isinstance(parent, Parent) else parent
    with sendable(f"parent {parent!r}"):
        relation = catalog_pb2.ParentRelation.Value(
            f"PARENT_RELATION_{known.relation if known else 'DERIVED'}"
        )
        if not isinstance(target, str | Version):
            raise TypeError("a parent is a selector, a Version or a Parent")
    return catalog_pb2.Parent(
        version=resolve(target).text, relation=catalog_pb2.ParentRelation.Name(relation)
    )
