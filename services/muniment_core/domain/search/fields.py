"""The fields that can be searched, by name, with what kind of value each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from muniment_core.domain.catalog import ModelState, ParentRelation, VersionState


class Kind(StrEnum):
    """What the values of a field are, and so what it can be compared with."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    TIME = "time"
    WORD = "word"
    TEXT_OR_NUMBER = "text or number"
    VERSION = "version"


class Aspect(StrEnum):
    """Which of the values a metric took."""

    LATEST = "latest"
    LOWEST = "lowest"
    HIGHEST = "highest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """A field as the language knows it.

    Attributes:
        keyed: it is one of many by key, as ``tags.team`` is.
        many: there may be several values at once, as of ``alias``.
        words: the values it can have, if they are few.
    """

    kind: Kind
    keyed: bool = False
    many: bool = False
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field in a query; ``key`` for the keyed ones, ``aspect`` for metrics."""

    name: str
    key: str = ""
    aspect: Aspect = Aspect.LATEST


_TEXT = FieldSpec(kind=Kind.TEXT)
_TEXTS = FieldSpec(kind=Kind.TEXT, many=True)
_TIME = FieldSpec(kind=Kind.TIME)
_WHOLE = FieldSpec(kind=Kind.WHOLE)
_TAGS = FieldSpec(kind=Kind.TEXT, keyed=True)

VERSION_FIELDS: Mapping[str, FieldSpec] = {
    "model": _TEXT,
    "number": _WHOLE,
    "digest": _TEXT,
    "state": FieldSpec(kind=Kind.WORD, words=tuple(VersionState)),
    "stage": _TEXTS,
    "alias": _TEXTS,
    "description": _TEXT,
    "author": _TEXT,
    "create_time": _TIME,
    "update_time": _TIME,
    "size_bytes": _WHOLE,
    "tags": _TAGS,
    "params": FieldSpec(kind=Kind.TEXT_OR_NUMBER, keyed=True),
    "metrics": FieldSpec(kind=Kind.NUMBER, keyed=True),
    "dataset.name": _TEXTS,
    "dataset.version": _TEXTS,
    "dataset.digest": _TEXTS,
    "parent": FieldSpec(kind=Kind.VERSION, many=True),
    "parent.relation": FieldSpec(
        kind=Kind.WORD, many=True, words=tuple(relation.name for relation in ParentRelation)
    ),
    "code.commit": _TEXT,
    "code.repository": _TEXT,
    "run.id": _TEXT,
}

MODEL_FIELDS: Mapping[str, FieldSpec] = {
    "name": _TEXT,
    "description": _TEXT,
    "creator": _TEXT,
    "state": FieldSpec(kind=Kind.WORD, words=tuple(ModelState)),
    "latest_number": _WHOLE,
    "create_time": _TIME,
    "update_time": _TIME,
    "tags": _TAGS,
    "stage": _TEXTS,
}
