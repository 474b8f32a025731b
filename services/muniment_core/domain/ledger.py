"""Ledger entries: what one change of the registry leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from muniment_core.domain.canonical import canonical_json
from muniment_core.domain.errors import LimitExceeded

MAX_ENTRY_BYTES = 64 * 1024
FORMAT = 1
"""Version of the body's format, in every body as ``v``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """An entry before it has its revision. Names are last parts, numbers are 0 when there is none."""

    type: str
    project: str = ""
    model: str = ""
    stage: str = ""
    number: int = 0
    previous_number: int = 0
    digest: str = ""
    reason: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else belongs to the change: JSON values."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the ledger.

    Attributes:
        draft: what it says, without ``data`` when it was read from the table's columns.
        body: the exact bytes that were hashed.
        leaf_hash: RFC 6962 leaf hash of ``body``.
    """

    revision: int
    time: datetime
    actor: str
    draft: EntryDraft
    body: bytes
    leaf_hash: bytes


def format_time(time: datetime) -> str:
    """RFC 3339 in UTC with microseconds, always the same length."""
    # Not strftime, whose %Y writes the year 1 with one digit. What is cut off is "+00:00".
    return time.isoformat("T", "microseconds")[:26] + "Z"


def entry_body(draft: EntryDraft, *, revision: int, time: datetime, actor: str, request: str = "") -> bytes:
    """The bytes of an entry: RFC 8785 canonical JSON. Members without a value are left out.

    Args:
        draft: what happened.
        revision: which entry it is.
        time: when it happened.
        actor: who did it.
        request: digest of the request and its answer, see :func:`muniment.ledger.entries.request_digest`.

    Raises:
        LimitExceeded: if they are more than 65,536.
    """
    members: dict[str, Any] = {
        "v": FORMAT,
        "revision": revision,
        "type": draft.type,
        "time": format_time(time),
        "actor": actor,
        "project": draft.project,
        "model": draft.model,
        "stage": draft.stage,
        "number": draft.number,
        "previous_number": draft.previous_number,
        "digest": draft.digest,
        "reason": draft.reason,
        "request": request,
        "data": dict(draft.data),
    }
    body = canonical_json({name: value for name, value in members.items() if value not in ("", 0, {})})
    if len(body) > MAX_ENTRY_BYTES:
        raise LimitExceeded("the change's ledger entry", MAX_ENTRY_BYTES, len(body))
    return body
