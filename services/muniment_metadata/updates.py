"""Reading a field mask over description and tags, the only fields of models and versions that may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from muniment.names import InvalidName, check_name
from muniment_core.domain.catalog import etag_of
from muniment_core.domain.errors import EtagMismatch, InvalidField

_MAX_ETAG = 64


@dataclass(frozen=True, slots=True)
class LabelChange:
    """A change of description or tags.

    Attributes:
        description: the new one; None to keep it.
        tags: all new tags; None to keep them but for ``some_tags``.
        some_tags: new value by key; None removes the key.
    """

    description: str | None = None
    tags: Mapping[str, str] | None = None
    some_tags: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_mask(cls, paths: Sequence[str], *, description: str, tags: Mapping[str, str]) -> LabelChange:
        """Read the paths of a mask against the new values.

        Raises:
            InvalidField: if there is no path, or one names another field.
        """
        if not paths:
            raise InvalidField("update_mask", "is required: name description, tags or tags.{key}")
        some_tags: dict[str, str | None] = {}
        for path in paths:
            if path.startswith("tags."):
                key = _tag_key(path)
                some_tags[key] = tags.get(key)
            elif path not in ("description", "tags"):
                raise InvalidField(
                    "update_mask", f"names {path[:100]!r}; only description, tags and tags.{{key}} may change"
                )
        return cls(
            description if "description" in paths else None,
            dict(tags) if "tags" in paths else None,
            some_tags,
        )

    def applied_to(self, description: str, tags: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Description and tags after the change, tags ordered by key."""
        result = dict(tags if self.tags is None else self.tags)
        for key, value in self.some_tags.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = value
        return description if self.description is None else self.description, dict(sorted(result.items()))


def _tag_key(path: str) -> str:
    key = path.removeprefix("tags.")
    try:
        return check_name("tag", key)
    except InvalidName as error:
        raise InvalidField("update_mask", f"names {path[:100]!r}: {error}") from None


def check_etag(expected: str, revision: int) -> None:
    """Refuse a change of something that changed since the caller read it; an empty etag is not checked.

    Raises:
        EtagMismatch: if it did.
        InvalidField: if the etag is none that a registry gives.
    """
    if len(expected) > _MAX_ETAG:
        raise InvalidField(
            "etag", f"has {len(expected)} characters: give the etag the resource was read with"
        )
    if expected and expected != etag_of(revision):
        raise EtagMismatch(expected, etag_of(revision))
