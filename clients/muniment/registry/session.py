"""What every verb needs: the project, the stubs and the way of calling them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from muniment import errors, names
from muniment.cache.cache import Cache
from muniment.names import ModelName, ProjectName, Selector
from muniment.transport.calls import Calls
from muniment.transport.data import DataStub
from muniment.v1 import (
    access_service_pb2_grpc,
    artifact_service_pb2_grpc,
    ledger_service_pb2_grpc,
    metadata_service_pb2_grpc,
    promotion_service_pb2_grpc,
)

T = TypeVar("T")

_UNFIT = (TypeError, ValueError, AttributeError, OverflowError)
"""How Python and protobuf complain about values of another type, out of range, or that are not text."""


class Session:
    """One connection, seen from one project."""

    def __init__(
        self, calls: Calls, project: str, directory: Path | None = None, *, cache: Cache | None = None
    ) -> None:
        """Make the stubs; nothing is sent.

        Args:
            calls: how to call.
            project: of names that name none.
            directory: data directory of the registry, when it is an embedded one.
            cache: of files that were pulled.

        Raises:
            InvalidName: if ``project`` is not a name.
        """
        self.calls = calls
        self.cache = cache
        # Until the registry has said that it gives no addresses of its store.
        self.gives_addresses = True
        self.directory = directory
        self.project = parsed(lambda: ProjectName(names.check_name("project", project)))
        channel = calls.channel
        self.metadata: Any = metadata_service_pb2_grpc.MetadataServiceStub(channel)
        self.artifacts: Any = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
        self.promotions: Any = promotion_service_pb2_grpc.PromotionServiceStub(channel)
        self.ledger: Any = ledger_service_pb2_grpc.LedgerServiceStub(channel)
        self.data = DataStub(channel)
        self.access: Any = access_service_pb2_grpc.AccessServiceStub(channel)

    def usable_cache(self) -> Cache | None:
        """The cache, or None where there is none to be had.

        Raises:
            CacheRefused: if somebody named one that cannot be used.
        """
        return self.cache if self.cache is not None and self.cache.usable() else None

    def model(self, text: str) -> ModelName:
        """Read ``[project/]model`` or a resource name.

        Raises:
            InvalidName: if it is neither.
        """
        if not isinstance(text, str):
            raise errors.InvalidArgument(f"model is {text!r:.200}, while text is needed")
        if text.startswith("projects/"):
            return parsed(lambda: ModelName.parse(text))
        project, slash, model = text.rpartition("/")
        return (
            parsed(lambda: ProjectName(names.check_name("project", project)).model(model))
            if slash
            else (parsed(lambda: self.project.model(text)))
        )

    def selector(self, text: str) -> Selector:
        """Read a selector, or the resource name of a version.

        Raises:
            InvalidSelector: if it cannot be read.
            InvalidName: if project or model is not a name.
        """
        if not isinstance(text, str):
            raise errors.InvalidArgument(f"version is {text!r:.200}, while a selector or a Version is needed")
        if text.startswith("projects/"):
            version = parsed(lambda: names.VersionName.parse(text))
            return Selector(version.project, version.model, str(version.number))
        return parsed(lambda: Selector.parse(text, self.project.project))


def parsed(read: Callable[[], T]) -> T:
    """The value ``read`` makes of text, its complaint as an error of the SDK."""
    try:
        return read()
    except names.InvalidSelector as error:
        raise errors.InvalidSelector(str(error), "INVALID_SELECTOR", _facts(error)) from None
    except names.InvalidName as error:
        raise errors.InvalidName(str(error), "INVALID_NAME", _facts(error)) from None
    except TypeError as error:
        raise errors.InvalidArgument(f"a name is not text: {error}") from error


def built(kind: Callable[..., T], /, **fields: Any) -> T:
    """A message with these fields.

    Raises:
        InvalidArgument: naming the field that cannot be sent.
    """
    try:
        return kind(**fields)
    except _UNFIT:
        for field, value in fields.items():
            with sendable(field):
                kind(**{field: value})
        raise


@contextmanager
def sendable(what: str) -> Iterator[None]:
    """Protobuf, and values of the wrong type, complain in ways that name no argument.

    Raises:
        InvalidArgument: naming it.
    """
    try:
        yield
    except _UNFIT as error:
        raise errors.InvalidArgument(f"{what[:200]} cannot be sent: {error}") from error


def time_stamp(what: str, time: datetime | None) -> Timestamp | None:
    """A moment as it is sent, if there is one.

    Raises:
        InvalidArgument: if it is no time, has no time zone, or is outside the years 1 to 9999 in UTC.
    """
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise errors.InvalidArgument(f"{what} is {time!r:.50}, while a datetime is needed")
    if time.tzinfo is None:
        raise errors.InvalidArgument(f"{what} is {time.isoformat()}, which has no time zone")
    stamp = Timestamp()
    with sendable(what):
        stamp.FromDatetime(time)
    return stamp


def _facts(error: names.InvalidName) -> dict[str, str]:
    return {"field": error.kind, "value": error.value}


def new_request_id() -> str:
    """A key by which the server knows a repeated request."""
    return uuid.uuid4().hex
