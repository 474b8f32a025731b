"""What the registry answers in the words of the ledger, and the sentence that says where the two differ."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp

from muniment.ledger.canonical import write
from muniment.ledger.columns import time_text

Column: TypeAlias = tuple[str, object, object]
"""What it is called, what the registry says and what the ledger says."""


def differences(what: str, columns: Iterable[Column]) -> Iterator[str]:
    """A sentence for each column of which the two say different things."""
    for column, found, expected in columns:
        if found != expected:
            yield differs(what, column, found, expected)


def differs(what: str, column: str, found: object, expected: object) -> str:
    """That a column of something is not what it should be; an empty column: all of it."""
    place = f"{what} {column}".rstrip()
    return f"{place} is {found!r:.100}, while the ledger says {expected!r:.100}"


def digest_of(value: Any) -> str:
    """``sha256:<hex>`` of a value as canonical JSON, which entries hold in its place."""
    return "sha256:" + hashlib.sha256(write(value)).hexdigest()


def labels_of(message: Any) -> str:
    """Digest of the description of something, and of its tags if it can have any."""
    tags = dict(message.tags) if "tags" in message.DESCRIPTOR.fields_by_name else {}
    return digest_of({"description": message.description, "tags": tags})


def time_of(stamp: Timestamp) -> str:
    """A time as entries write it."""
    return time_text(stamp.seconds * 1_000_000 + stamp.nanos // 1_000)


def short(resource: str) -> str:
    """``project/model`` or ``project/model@number`` of a resource name."""
    parts = resource.split("/")
    return f"{parts[1]}/{parts[3]}" + (f"@{parts[5]}" if len(parts) > 5 else "")


def last_part(resource: str) -> str:
    """The name of a resource in what it belongs to."""
    return resource.rpartition("/")[2]
