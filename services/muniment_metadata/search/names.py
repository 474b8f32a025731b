"""Which field a path names; a refusal lists what there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from muniment_core.domain.errors import InvalidFilter
from muniment_core.domain.search import Aspect, Field, FieldSpec

from muniment_metadata.search.syntax import Literal

_ASPECTS = {"latest": Aspect.LATEST, "min": Aspect.LOWEST, "max": Aspect.HIGHEST}


def find_field(
    path: Sequence[Literal],
    fields: Mapping[str, FieldSpec],
    where: str,
    *,
    best: Aspect | None,
    key: Literal | None = None,
) -> tuple[Field, FieldSpec]:
    """The field a path names.

    Args:
        path: its parts.
        fields: those there are.
        where: the request's field, for refusals.
        best: what ``.best`` of a metric stands for; None where it has no meaning.
        key: the key of a path without one, from ``tags:KEY``.

    Raises:
        InvalidFilter: if there is no such field.
    """
    first = path[0]
    name = ".".join(part.text for part in path)
    if not any(part.quoted for part in path) and name in fields and not fields[name].keyed:
        return Field(name), fields[name]
    spec = fields.get(first.text) if not first.quoted else None
    if spec is None or not spec.keyed:
        raise InvalidFilter(
            where, first.position, f"there is no field {name[:100]!r}: {_known(name, fields)}"
        )
    keys = path[1:] or ([key] if key is not None else [])
    if not keys or not keys[0].text:
        raise InvalidFilter(where, first.position, f"{first.text} needs a key: write {first.text}.KEY")
    if key is not None and keys[0] is key and key.text == "*" and not key.quoted:
        raise InvalidFilter(where, key.position, f"name a key: write {first.text}:KEY")
    if first.text == "metrics":
        return _metric(keys, where, best), spec
    return Field(first.text, ".".join(part.text for part in keys)), spec


def _metric(keys: Sequence[Literal], where: str, best: Aspect | None) -> Field:
    metric, *rest = keys
    if not rest:
        return Field("metrics", metric.text)
    aspect = rest[0]
    if len(rest) == 1 and aspect.text in _ASPECTS and not aspect.quoted:
        return Field("metrics", metric.text, _ASPECTS[aspect.text])
    if len(rest) == 1 and aspect.text == "best" and not aspect.quoted:
        if best is None:
            raise InvalidFilter(
                where,
                aspect.position,
                "best is the max for > and >= and the min for < and <=: write .max or .min instead",
            )
        return Field("metrics", metric.text, best)
    whole = ".".join(part.text for part in keys)
    raise InvalidFilter(
        where,
        aspect.position,
        "after the key of a metric stands latest, best, min, max or nothing; "
        f'if {whole[:100]!r} is the key, write metrics."{whole[:100]}"',
    )


def _known(name: str, fields: Mapping[str, FieldSpec]) -> str:
    listed = [f"{known}.KEY" if spec.keyed else known for known, spec in fields.items()]
    near = get_close_matches(name[:100].lower(), list(fields), 1, 0.75)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}There are {', '.join(listed)}"
