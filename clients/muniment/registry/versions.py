"""Versions and their metrics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from muniment.names import VersionName, VersionSelector
from muniment.registry.models import changes, kept_tags
from muniment.registry.session import Session, built, new_request_id, sendable, time_stamp
from muniment.transfer.record import metric_messages
from muniment.v1 import catalog_pb2
from muniment.v1 import metadata_service_pb2 as pb
from muniment.values import Metric, Version


def list_versions(session: Session, model: str, *, show_deleted: bool) -> Iterator[Version]:
    request = built(pb.ListVersionsRequest, parent=session.model(model).text, show_deleted=show_deleted)
    return map(Version.of, session.calls.pages(session.metadata.ListVersions, request, "versions"))


def show(session: Session, selector: str, *, at: datetime | int | None = None) -> Version:
    parts = session.selector(selector)
    number = VersionSelector.parse(parts.selector).number
    if number is not None and at is None:
        # Tombstones can be looked at by number; a selector finds only what can be used.
        get = pb.GetVersionRequest(name=parts.of_model.version(number).text)
        return Version.of(session.calls.unary(session.metadata.GetVersion, get))
    at_time = time_stamp("at", at) if isinstance(at, datetime) else None
    resolve = pb.ResolveVersionRequest(model=parts.of_model.text, selector=parts.selector, at_time=at_time)
    if at is not None and not isinstance(at, datetime):
        with sendable(f"revision {at!r}"):
            resolve.at_revision = at
    return Version.of(session.calls.unary(session.metadata.ResolveVersion, resolve))


def resource_name(session: Session, version: Version | str) -> VersionName:
    """The resource name of a version; asks the registry only when a selector does not name the number."""
    if isinstance(version, Version):
        return version.version_name
    parts = session.selector(version)
    number = VersionSelector.parse(parts.selector).number
    return parts.of_model.version(number) if number is not None else show(session, version).version_name


def update(
    session: Session,
    version: Version | str,
    *,
    description: str | None,
    tags: Mapping[str, str | None] | None,
    etag: str,
) -> Version:
    request = built(
        pb.UpdateVersionRequest,
        name=resource_name(session, version).text,
        version=built(catalog_pb2.Version, description=description or "", tags=kept_tags(tags)),
        update_mask=changes(description, tags),
        etag=etag,
        request_id=new_request_id(),
    )
    return Version.of(session.calls.unary(session.metadata.UpdateVersion, request))


def delete(session: Session, version: Version | str, *, etag: str) -> Version:
    request = pb.DeleteVersionRequest(
        name=resource_name(session, version).text, etag=etag, request_id=new_request_id()
    )
    return Version.of(session.calls.unary(session.metadata.DeleteVersion, request))


def add_metrics(
    session: Session, version: Version | str, metrics: Mapping[str, float] | Iterable[Metric]
) -> list[Metric]:
    request = built(
        pb.AddMetricsRequest,
        version=resource_name(session, version).text,
        metrics=metric_messages(metrics),
        request_id=new_request_id(),
    )
    response = session.calls.unary(session.metadata.AddMetrics, request)
    return [Metric.of(metric) for metric in response.metrics]


def list_metrics(session: Session, version: Version | str, *, key: str) -> Iterator[Metric]:
    request = built(pb.ListMetricsRequest, version=resource_name(session, version).text, key=key)
    return map(Metric.of, session.calls.pages(session.metadata.ListMetrics, request, "metrics"))
