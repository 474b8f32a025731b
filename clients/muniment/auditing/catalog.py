"""What a registry answers about a model, against the state its ledger implies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from muniment.ledger.canonical import write
from muniment.ledger.columns import time_text
from muniment.ledger.fold import Fold, ModelKey
from muniment.ledger.state import DELETED, ModelState
from muniment.registry.session import Session
from muniment.v1 import catalog_pb2, promotion_service_pb2
from muniment.v1 import metadata_service_pb2 as pb

_PAGE = 1_000


def models_of(session: Session, project: str) -> dict[ModelKey, Any]:
    """The models of a project that are in use, as the registry lists them."""
    request = pb.ListModelsRequest(parent=f"projects/{project}", page_size=_PAGE)
    found = session.calls.pages(session.metadata.ListModels, request, "models")
    return {(project, model.name.rpartition("/")[2]): model for model in found}


def project_differences(session: Session, fold: Fold) -> Iterator[str]:
    """Projects that are listed otherwise than the ledger tells."""
    listed = session.calls.pages(
        session.metadata.ListProjects, pb.ListProjectsRequest(page_size=_PAGE), "projects"
    )
    missing = set(fold.projects)
    for project in listed:
        name = project.name.rpartition("/")[2]
        state = fold.projects.get(name)
        if state is None:
            yield f"project {name} is listed, while the ledger does not tell of it"
            continue
        missing.discard(name)
        if tuple(project.stages) != state.stages:
            yield f"project {name} has stages {list(project.stages)}, while the ledger says {list(state.stages)}"
    for name in sorted(missing):
        yield f"project {name} is not listed, while the ledger tells of it"


def model_differences(session: Session, key: ModelKey, listed: Any, state: ModelState | None) -> list[str]:
    """What the registry says of a model otherwise than the ledger; ``listed`` is None if it lists none."""
    name = "/".join(key)
    if state is None or state.state == DELETED:
        told = "does not tell of it" if state is None else "says that it was deleted"
        return [f"model {name} is listed, while the ledger {told}"] if listed is not None else []
    if listed is None:
        return [f"model {name} is not listed, while the ledger tells of it"]
    resource = f"projects/{key[0]}/models/{key[1]}"
    found = _labels(f"model {name}", listed, state.labels)
    if listed.latest_number != len(state.versions):
        found.append(_differs(f"model {name}", "latest_number", listed.latest_number, len(state.versions)))
    return [*found, *_versions(session, resource, state), *_pointers(session, resource, state)]


def _versions(session: Session, resource: str, state: ModelState) -> Iterator[str]:
    request = pb.ListVersionsRequest(parent=resource, show_deleted=True, page_size=_PAGE)
    missing = set(state.versions)
    for version in session.calls.pages(session.metadata.ListVersions, request, "versions"):
        what = _short(version.name)
        told = state.versions.get(version.number)
        if told is None:
            yield f"{what} is listed, while the ledger does not tell of it"
            continue
        missing.discard(version.number)
        for column, found, expected in (
            ("digest", version.digest, told.digest),
            (
                "state",
                catalog_pb2.VersionState.Name(version.state).removeprefix("VERSION_STATE_"),
                told.state,
            ),
            (
                "size_bytes",
                version.size_bytes,
                version.size_bytes if told.size_bytes < 0 else told.size_bytes,
            ),
            ("author", version.author, told.author),
            ("create_time", _time(version.create_time), told.create_time),
            ("create_revision", version.create_revision, told.create_revision),
            ("etag", version.etag, f"r{told.revision}"),
            ("frozen record", _record_digest(version), told.record),
        ):
            if found != expected:
                yield _differs(what, column, found, expected)
        yield from _labels(what, version, told.labels)
    for number in sorted(missing):
        yield f"{_short(resource)} version {number} is not listed, while the ledger tells of it"


def _pointers(session: Session, resource: str, state: ModelState) -> Iterator[str]:
    aliases = session.calls.pages(
        session.metadata.ListAliases, pb.ListAliasesRequest(parent=resource, page_size=_PAGE), "aliases"
    )
    found = {alias.name.rpartition("/")[2]: (alias.number, alias.actor) for alias in aliases}
    told = {name: (alias.number, alias.actor) for name, alias in state.aliases.items()}
    for name in sorted({*found, *told}):
        if found.get(name) != told.get(name):
            yield _differs(f"{_short(resource)} alias {name}", "", found.get(name), told.get(name))
    request = promotion_service_pb2.ListStagesRequest(parent=resource)
    stages = session.calls.unary(session.promotions.ListStages, request).stages
    current = {
        stage.name.rpartition("/")[2]: (stage.number, stage.revision) for stage in stages if stage.number
    }
    expected = {name: (pointer.number, pointer.move_revision) for name, pointer in state.pointers.items()}
    for name in sorted({*current, *expected}):
        if current.get(name) != expected.get(name):
            yield _differs(f"{_short(resource)} stage {name}", "", current.get(name), expected.get(name))


def _labels(what: str, message: Any, expected: str) -> list[str]:
    digest = _digest({"description": message.description, "tags": dict(message.tags)})
    return [] if digest == expected else [_differs(what, "description and tags", digest, expected)]


def _record_digest(version: Any) -> str:
    """The digest of what is frozen of a version, put together from what was answered."""
    members: dict[str, Any] = {
        "params": {
            key: value.number if value.WhichOneof("kind") == "number" else value.text
            for key, value in version.params.items()
        },
        "datasets": [_plain(dataset) for dataset in version.datasets],
        "parents": [
            {
                "version": parent.version,
                "relation": catalog_pb2.ParentRelation.Name(parent.relation)
                .removeprefix("PARENT_RELATION_")
                .lower(),
            }
            for parent in version.parents
        ],
        "code": _plain(version.code) if version.HasField("code") else None,
        "run": _plain(version.run) if version.HasField("run") else None,
        "environment": _plain(version.environment) if version.HasField("environment") else None,
        "processing_steps": [_plain(step) for step in version.processing_steps],
        "signature": _plain(version.signature) if version.HasField("signature") else None,
    }
    return _digest({name: value for name, value in members.items() if value})


def _plain(message: Any) -> dict[str, Any]:
    """Every field of a message of texts, truth values and maps of texts, set or not."""
    values = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    return {name: value if isinstance(value, str | bool) else dict(value) for name, value in values.items()}


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(write(value)).hexdigest()


def _time(stamp: Timestamp) -> str:
    return time_text(stamp.seconds * 1_000_000 + stamp.nanos // 1_000)


def _short(resource: str) -> str:
    parts = resource.split("/")
    return f"{parts[1]}/{parts[3]}" + (f"@{parts[5]}" if len(parts) > 5 else "")


def _differs(what: str, column: str, found: object, expected: object) -> str:
    place = f"{what} {column}".rstrip()
    return f"{place} is {found!r:.100}, while the ledger says {expected!r:.100}"
