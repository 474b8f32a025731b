"""From contract messages to values and back, for what all services share. Protobuf stops here."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from muniment import names
from muniment.digests import Digest, InvalidDigest
from muniment.v1 import ledger_service_pb2

from muniment_core.domain.errors import InvalidField, InvalidName, InvalidSelector, LimitExceeded
from muniment_core.domain.ledger import Entry
from muniment_core.domain.limits import MAX_TAG_VALUE, MAX_TAGS

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(field: str, parser: Callable[[str], T], text: str) -> T:
    """Read a name or selector of a request.

    Raises:
        InvalidField: if it is empty.
        InvalidName: if it breaks its rule.
        InvalidSelector: if it is a selector that cannot be read.
    """
    if not text:
        raise InvalidField(field, "is required")
    try:
        return parser(text)
    except names.InvalidSelector as error:
        raise InvalidSelector(field, text, str(error)) from None
    except names.InvalidName as error:
        raise InvalidName(field, text, str(error)) from None


def name(field: str, kind: str, text: str) -> str:
    """A bare name of a request."""
    return parse(field, lambda value: names.check_name(kind, value), text)


def project_or_all(field: str, text: str) -> str | None:
    """The project of ``projects/{project}``, or None for ``projects/-``, which stands for the whole instance."""
    return None if text == names.ALL_PROJECTS else parse(field, names.ProjectName.parse, text).project


def digest(field: str, text: str) -> Digest:
    """A digest of a request.

    Raises:
        InvalidField: if it is not one.
    """
    try:
        return Digest.parse(text)
    except InvalidDigest as error:
        raise InvalidField(field, f"is not valid: {error}") from None


def text(field: str, value: str, limit: int, *, required: bool = False) -> str:
    """Free text of a request: bounded, and without control characters except line breaks and tabs.

    Raises:
        InvalidField: if it is missing, or holds control characters.
        LimitExceeded: if it is longer than ``limit`` characters.
    """
    if required and not value:
        raise InvalidField(field, "is required")
    if len(value) > limit:
        raise LimitExceeded(field, limit, len(value))
    if not value.isprintable() and any(
        unicodedata.category(character) == "Cc" and character not in "\n\r\t" for character in value
    ):
        raise InvalidField(field, "holds control characters: remove them")
    return value


def tags(field: str, values: Mapping[str, str]) -> dict[str, str]:
    """Tags of a request, ordered by key."""
    if len(values) > MAX_TAGS:
        raise LimitExceeded(field, MAX_TAGS, len(values))
    for key, value in values.items():
        name(f"{field} key", "tag", key)
        text(f"{field}[{key}]", value, MAX_TAG_VALUE)
    return dict(sorted(values.items()))


def timestamp(time: datetime | None) -> Timestamp | None:
    """A time for an answer."""
    if time is None:
        return None
    since = time - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def time(field: str, stamp: Timestamp) -> datetime:
    """A time of a request.

    Raises:
        InvalidField: if it is outside of the years 1 to 9999.
    """
    try:
        return stamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidField(field, "is not a time between the years 1 and 9999") from None


def entry_message(entry: Entry, *, body: bool = True) -> ledger_service_pb2.LedgerEntry:
    """A ledger entry for an answer; without ``body`` for those who only follow events."""
    draft = entry.draft
    project = f"projects/{draft.project}" if draft.project else ""
    return ledger_service_pb2.LedgerEntry(
        revision=entry.revision,
        type=draft.type,
        time=timestamp(entry.time),
        actor=entry.actor,
        project=project,
        model=f"{project}/models/{draft.model}" if draft.model else "",
        stage=draft.stage,
        number=draft.number,
        previous_number=draft.previous_number,
        digest=draft.digest,
        reason=draft.reason,
        body=entry.body if body else b"",
        leaf_hash=entry.leaf_hash,
    )
