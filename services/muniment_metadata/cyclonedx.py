"""A version as a machine-learning bill of materials: CycloneDX 1.6 in JSON.

The format is https://cyclonedx.org/docs/1.6/json/. What it has no field for stands in properties whose names begin
with ``muniment:``, as https://github.com/CycloneDX/cyclonedx-property-taxonomy asks.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from muniment_core.domain.catalog import Dataset, MetricValue, VersionRecord
from muniment_core.domain.ledger import format_time
from muniment_core.domain.lineage import VersionNode

from muniment_metadata.described import Described, is_address, number_text

MAX_FILES = 5_000
_SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
_PACKAGE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_PACKAGE_VERSION = re.compile(r"[A-Za-z0-9._-]+")

Json: TypeAlias = dict[str, Any]


def cyclonedx(described: Described) -> str:
    """The document. Its serial number is derived from everything else in it."""
    version = described.version
    name, frozen = version.name.text, version.frozen
    datasets = [_dataset(name, index, dataset) for index, dataset in enumerate(frozen.datasets)]
    packages = frozen.environment.packages if frozen.environment else {}
    bom: Json = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": format_time(version.update_time),
            "tools": {"components": [{"type": "application", "name": "muniment"}]},
            "component": _model(described, [dataset["bom-ref"] for dataset in datasets]),
        },
        "components": [*datasets, *(_package(name, *package) for package in sorted(packages.items()))],
        "dependencies": [{"ref": name, "dependsOn": [dataset["bom-ref"] for dataset in datasets]}],
    }
    content = json.dumps(bom, sort_keys=True, ensure_ascii=False).encode()
    serial = uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(content).hexdigest())
    return (
        json.dumps({**bom, "serialNumber": serial.urn}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )


def _model(described: Described, datasets: list[str]) -> Json:
    version = described.version
    return _without_empty(
        {
            "type": "machine-learning-model",
            "bom-ref": version.name.text,
            "group": version.name.project,
            "name": version.name.model,
            "version": str(version.name.number),
            "description": version.description,
            "authors": [{"name": version.author}],
            "hashes": _sha256(version.digest),
            "components": [
                {
                    "type": "file",
                    "bom-ref": f"{version.name.text}/files/{file.path}",
                    "name": file.path,
                    "hashes": _sha256(file.digest),
                    "properties": [_property("size_bytes", file.size)],
                }
                for file in described.files[:MAX_FILES]
            ],
            "pedigree": _pedigree(described),
            "modelCard": _card(version, datasets),
            "properties": list(_properties(described)),
        }
    )


def _card(version: VersionRecord, datasets: list[str]) -> Json:
    return _without_empty(
        {
            "modelParameters": _without_empty({"datasets": [{"ref": ref} for ref in datasets]}),
            "quantitativeAnalysis": _without_empty(
                {"performanceMetrics": [_performance(metric) for metric in version.metrics]}
            ),
            "properties": [
                _property(f"param:{key}", value if isinstance(value, str) else number_text(value))
                for key, value in version.frozen.params.items()
            ],
        }
    )


def _performance(metric: MetricValue) -> Json:
    return _without_empty({"type": metric.key, "value": number_text(metric.value), "slice": metric.dataset})


def _dataset(name: str, index: int, dataset: Dataset) -> Json:
    contents = {"url": dataset.uri} if is_address(dataset.uri) else {}
    return _without_empty(
        {
            "type": "data",
            "bom-ref": f"{name}/datasets/{index}",
            "name": dataset.name,
            "version": dataset.version,
            "hashes": _sha256(dataset.digest),
            "data": [_without_empty({"type": "dataset", "name": dataset.name, "contents": contents})],
            "properties": [
                _property(key, value)
                for key, value in (("role", dataset.role), ("uri", dataset.uri))
                if value
            ],
        }
    )


def _package(name: str, package: str, installed: str) -> Json:
    is_plain = _PACKAGE.fullmatch(package) and _PACKAGE_VERSION.fullmatch(installed)
    normal = re.sub(r"[-_.]+", "-", package).lower()
    return _without_empty(
        {
            "type": "library",
            "bom-ref": f"{name}/packages/{package}",
            "name": package,
            "version": installed,
            # Part of where the model was made, not of the model.
            "scope": "excluded",
            "purl": f"pkg:pypi/{normal}@{installed}" if is_plain else "",
        }
    )


def _pedigree(described: Described) -> Json:
    relations = {parent.version: parent.relation.value for parent in described.parents}
    code, notes = described.version.frozen.code, []
    if described.hidden_ancestors:
        notes.append(f"{described.hidden_ancestors} more in projects that are not disclosed.")
    if described.more_ancestors:
        notes.append("There are more ancestors than are listed.")
    commit = {}
    if code:
        commit = _without_empty(
            {"uid": code.commit, "url": code.repository if is_address(code.repository) else ""}
        )
    return _without_empty(
        {
            "ancestors": [
                _ancestor(node, distance, relations.get(node.name, "") if distance == 1 else "")
                for node, distance in described.ancestors
            ],
            "commits": [commit] if commit else [],
            "notes": " ".join(notes),
        }
    )


def _ancestor(node: VersionNode, distance: int, relation: str) -> Json:
    return {
        "type": "machine-learning-model",
        "bom-ref": node.name.text,
        "group": node.name.project,
        "name": node.name.model,
        "version": str(node.name.number),
        "hashes": _sha256(node.digest),
        "properties": [
            _property("distance", distance),
            *([_property("relation", relation)] if relation else []),
        ],
    }


def _properties(described: Described) -> Iterator[Json]:
    version = described.version
    frozen = version.frozen
    yield _property("version", version.name.text)
    yield _property("manifest_digest", version.digest)
    yield _property("state", version.state)
    yield _property("size_bytes", version.size_bytes)
    yield _property("file_count", version.file_count)
    yield _property("create_time", format_time(version.create_time))
    yield _property("create_revision", version.create_revision)
    if len(described.files) != version.file_count or len(described.files) > MAX_FILES:
        yield _property("files_listed", min(len(described.files), MAX_FILES))
    yield from (_property("stage", stage) for stage in version.stages)
    yield from (_property("alias", alias) for alias in version.aliases)
    yield from (_property(f"tag:{key}", value) for key, value in sorted(version.tags.items()))
    if frozen.code:
        facts: Iterable[tuple[str, object]] = (
            ("code:repository", frozen.code.repository),
            ("code:commit", frozen.code.commit),
            ("code:dirty", "true" if frozen.code.dirty else ""),
            ("code:entry_point", frozen.code.entry_point),
        )
        yield from (_property(key, value) for key, value in facts if value)
    if frozen.run:
        facts = (("run:id", frozen.run.id), ("run:uri", frozen.run.uri))
        yield from (_property(key, value) for key, value in facts if value)
    if frozen.environment:
        where = frozen.environment
        facts = (("python", where.python), ("platform", where.platform), ("host", where.host))
        yield from (_property(f"environment:{key}", value) for key, value in facts if value)
    for index, step in enumerate(frozen.processing_steps, 1):
        told = f"{step.name}: {step.description}" if step.description else step.name
        yield _property(f"step:{index}", told)


def _property(name: str, value: object) -> Json:
    return {"name": f"muniment:{name}", "value": str(value)}


def _sha256(digest: str) -> list[Json]:
    return [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}] if digest else []


def _without_empty(members: Json) -> Json:
    return {name: value for name, value in members.items() if value not in ("", [], {})}
