"""What the contract refuses of a version's record, found out before gigabytes were sent for it.

The registry checks all of it again, and more: what only it can know, such as a model whose name differs by case
alone, is still refused after the upload. The numbers are those of ``catalog.proto``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sized
from functools import partial

from muniment import names
from muniment.digests import Digest, InvalidDigest
from muniment.errors import InvalidField, LimitExceeded
from muniment.registry.session import parsed
from muniment.v1 import catalog_pb2

_LABEL, _SHORT_LABEL, _URI = 250, 64, 2_048


def check_record(version: catalog_pb2.Version) -> None:
    """Refuse a version that cannot be created whatever its files are.

    Raises:
        InvalidField, InvalidName, LimitExceeded: naming the field.
    """
    _text("description", version.description, 16_384)
    _count("tags", version.tags, 1_000)
    for key, tag in version.tags.items():
        parsed(partial(names.check_name, "tag", key))
        _text(f"tags[{key}]", tag, 4_096)
    _count("params", version.params, 1_000)
    for key, param in version.params.items():
        _text(f"params[{key[:100]}] key", key, _LABEL, required=True)
        _text(f"params[{key[:100]}]", param.text, 16_384)
    _count("metrics", version.metrics, 1_000)
    for index, metric in enumerate(version.metrics):
        _text(f"metrics[{index}].key", metric.key, _LABEL, required=True)
        _text(f"metrics[{index}].dataset", metric.dataset, _LABEL)
        if not 0 <= metric.step < 2**53:
            raise _invalid(f"metrics[{index}].step", f"is {metric.step}, while 0 to {2**53 - 1} are allowed")
    _count("datasets", version.datasets, 100)
    for index, dataset in enumerate(version.datasets):
        _check_dataset(f"datasets[{index}]", dataset)
    _count("parents", version.parents, 100)
    _count("processing_steps", version.processing_steps, 100)
    for index, step in enumerate(version.processing_steps):
        _text(f"processing_steps[{index}].name", step.name, _LABEL, required=True)
        _text(f"processing_steps[{index}].description", step.description, 4_096)
    if version.HasField("run"):
        _text("run.id", version.run.id, _LABEL, required=True)
        _text("run.uri", version.run.uri, _URI)


def _check_dataset(field: str, dataset: catalog_pb2.Dataset) -> None:
    _text(f"{field}.name", dataset.name, _LABEL, required=True)
    _text(f"{field}.version", dataset.version, _LABEL)
    _text(f"{field}.uri", dataset.uri, _URI)
    _text(f"{field}.role", dataset.role, _SHORT_LABEL)
    if dataset.digest:
        try:
            Digest.parse(dataset.digest)
        except InvalidDigest as error:
            raise _invalid(f"{field}.digest", str(error)) from None


def _text(field: str, value: str, limit: int, *, required: bool = False) -> None:
    if required and not value:
        raise _invalid(field, "is required")
    if len(value) > limit:
        raise _exceeded(field, limit, len(value))
    if not value.isprintable() and any(
        unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in value
    ):
        raise _invalid(field, "holds control characters: remove them")


def _count(field: str, values: Sized, limit: int) -> None:
    if len(values) > limit:
        raise _exceeded(field, limit, len(values))


def _exceeded(field: str, limit: int, value: int) -> LimitExceeded:
    name = f"version.{field[:200]}"
    facts = {"field": name, "limit": str(limit), "value": str(value)}
    return LimitExceeded(f"{name} has {value}, while at most {limit} are allowed", "LIMIT_EXCEEDED", facts)


def _invalid(field: str, problem: str) -> InvalidField:
    name = f"version.{field[:200]}"
    return InvalidField(f"{name} {problem}", "INVALID_FIELD", {"field": name})
