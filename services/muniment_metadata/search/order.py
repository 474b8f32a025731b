"""Reads ``order_by``: fields with an optional ``desc``, separated by commas."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from muniment_core.domain.errors import InvalidFilter, LimitExceeded
from muniment_core.domain.search import MODEL_FIELDS, VERSION_FIELDS, Aspect, FieldSpec, OrderKey

from muniment_metadata.search.grammar import split_path
from muniment_metadata.search.names import find_field

ORDER_BY = "order_by"
MAX_ORDER = 2_048
MAX_KEYS = 8

_QUOTED = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_KEY = re.compile(rf"\s*((?:{_QUOTED}|[^\s,\"'])+)(?:\s+([A-Za-z]+))?\s*(,|$)", re.DOTALL)


@lru_cache(256)
def _read(text: str, versions: bool) -> tuple[OrderKey, ...]:
    if not text.strip():
        return ()
    fields = VERSION_FIELDS if versions else MODEL_FIELDS
    keys: list[OrderKey] = []
    at = 0
    while True:
        found = _KEY.match(text, at)
        if found is None:
            position = at + 1 + len(text[at:]) - len(text[at:].lstrip())
            raise InvalidFilter(
                ORDER_BY, position, "write fields with commas between, each with desc or nothing"
            )
        key = _key(found, fields)
        if any(known.field == key.field for known in keys):
            raise InvalidFilter(ORDER_BY, found.start(1) + 1, "the field was named before")
        keys.append(key)
        if len(keys) > MAX_KEYS:
            raise InvalidFilter(
                ORDER_BY, found.start(1) + 1, f"this is one field more than the {MAX_KEYS} allowed"
            )
        at = found.end()
        if found.group(3) == "":
            return tuple(keys)


def _key(found: re.Match[str], fields: Mapping[str, FieldSpec]) -> OrderKey:
    direction = (found.group(2) or "asc").lower()
    if direction not in ("asc", "desc"):
        raise InvalidFilter(ORDER_BY, found.start(2) + 1, f"{found.group(2)[:50]!r} is neither asc nor desc")
    position = found.start(1) + 1
    descending = direction == "desc"
    field, _ = find_field(
        split_path(found.group(1), position, ORDER_BY),
        fields,
        ORDER_BY,
        best=Aspect.HIGHEST if descending else Aspect.LOWEST,
    )
    return OrderKey(field, descending)


def _checked(text: str, *, versions: bool) -> tuple[OrderKey, ...]:
    if len(text) > MAX_ORDER:
        raise LimitExceeded(ORDER_BY, MAX_ORDER, len(text))
    return _read(text, versions)


def version_order(text: str) -> tuple[OrderKey, ...]:
    """The order of versions asked for; empty for the newest first.

    Raises:
        InvalidFilter: naming the position.
        LimitExceeded: if it is too long.
    """
    return _checked(text, versions=True)


def model_order(text: str) -> tuple[OrderKey, ...]:
    """The order of models asked for; raises as :func:`version_order`."""
    return _checked(text, versions=False)
