"""The versions a registry lists of a model, against the state its ledger implies."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from muniment.auditing.difference import Column, differences, digest_of, labels_of, short, time_of
from muniment.auditing.metrics import metric_differences
from muniment.ledger.state import UNTOLD, ModelState, VersionState
from muniment.registry.session import Session
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb

_PAGE = 1_000
_AT_ONCE = 8
"""Versions whose metrics are listed at once: each takes a call, of which most is waiting."""


def version_differences(session: Session, resource: str, state: ModelState) -> Iterator[str]:
    """What the registry says of the versions of a model otherwise than the ledger."""
    missing = set(state.versions)

    def compared(version: Any) -> list[str]:
        told = state.versions.get(version.number)
        if told is None:
            return [f"{short(version.name)} is listed, while the ledger does not tell of it"]
        return [
            *differences(short(version.name), _columns(version, told)),
            *metric_differences(session, version, told),
        ]

    request = pb.ListVersionsRequest(parent=resource, show_deleted=True, page_size=_PAGE)
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="muniment-audit") as threads:
        while True:
            page = session.calls.unary(session.metadata.ListVersions, request)
            missing.difference_update(version.number for version in page.versions)
            for found in threads.map(compared, page.versions):
                yield from found
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
    for number in sorted(missing):
        yield f"{short(resource)} version {number} is not listed, while the ledger tells of it"


def _columns(version: Any, told: VersionState) -> Iterator[Column]:
    state = catalog_pb2.VersionState.Name(version.state).removeprefix("VERSION_STATE_")
    yield "digest", version.digest, told.digest
    yield "state", state, told.state
    if told.size_bytes != UNTOLD:
        yield "size_bytes", version.size_bytes, told.size_bytes
    yield "author", version.author, told.author
    yield "create_time", time_of(version.create_time), told.create_time
    yield "update_time", time_of(version.update_time), told.update_time
    yield "create_revision", version.create_revision, told.create_revision
    yield "etag", version.etag, f"r{told.revision}"
    yield "frozen record", _record_digest(version), told.record
    yield "description and tags", labels_of(version), told.labels


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
    return digest_of({name: value for name, value in members.items() if value})


def _plain(message: Any) -> dict[str, Any]:
    """Every field of a message of texts, truth values and maps of texts, set or not."""
    values = {field.name: getattr(message, field.name) for field in message.DESCRIPTOR.fields}
    return {name: value if isinstance(value, str | bool) else dict(value) for name, value in values.items()}
