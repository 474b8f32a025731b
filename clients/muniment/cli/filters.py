"""Slips in filters. A filter that fits nothing is no error to the registry; to whoever typed it, it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from muniment.cli.output import note
from muniment.errors import InvalidArgument, ModelNotFound, MunimentError, NotFound, StageNotFound
from muniment.names import ProjectName
from muniment.values.ledger import EVENT_TYPES

if TYPE_CHECKING:
    from muniment.registry import Registry

T = TypeVar("T")


def or_else(found: Iterable[T], nothing: Callable[[], None]) -> Iterator[T]:
    """What was found; ``nothing`` is called if that is nothing, and may raise why."""
    empty = True
    for item in found:
        empty = False
        yield item
    if empty:
        nothing()


def explain_nothing(
    registry: Registry,
    *,
    model: str | None,
    project: str | None = None,
    stage: str | None = None,
    types: Sequence[str] = (),
) -> None:
    """Find out why nothing was found. Asked afterwards, as what was deleted still has its entries.

    Args:
        project: whose stage is meant; None: any project's.

    Raises:
        NotFound: if model, version or stage do not exist.
        InvalidArgument: if no entry can be of one of the types.
    """
    if unknown := unknown_types(types):
        raise InvalidArgument(
            f"no entry is of type {unknown[0]!r}: there are {', '.join(EVENT_TYPES)}", "INVALID_FIELD"
        )
    name, is_version = _split(model)
    try:
        if model is not None and is_version:
            registry.show(model)
        elif name is not None:
            registry.model(name)
        if stage is not None and (others := other_stages(registry, project=project, stage=stage)):
            whose = "of this project" if project else "of all projects"
            listed = ", ".join(others)
            raise StageNotFound(
                f"stage {stage!r} does not exist: the stages {whose} are {listed}",
                "STAGE_NOT_FOUND",
                {"stage": stage, "stages": listed},
            )
    except NotFound:
        raise
    except MunimentError:
        return  # who may read entries need not be allowed to read models


def tell_unlikely(
    registry: Registry, *, project: str, model: str | None, stage: str | None, types: Sequence[str]
) -> None:
    """Before a wait that may be in vain, say so: the model may come, and a newer registry may have more types."""
    for unknown in unknown_types(types):
        note(f"This program knows no entries of type {unknown}; there are {', '.join(EVENT_TYPES)}.")
    name, _ = _split(model)
    try:
        if stage is not None and (others := other_stages(registry, project=project, stage=stage)):
            note(f"Project {project} has no stage {stage}; there are {', '.join(others)}.")
        if name is not None:
            registry.model(name)
    except ModelNotFound:
        note(f"Model {name} does not exist yet: waiting for it.")
    except MunimentError:
        return  # if this is about the registry, the wait itself will tell


def other_stages(registry: Registry, *, project: str | None, stage: str) -> list[str]:
    """The stages of the project, or of all for None, if the stage is none of them.

    Nothing is said of a project that this caller does not see.
    """
    stages = [
        known
        for listed in registry.projects()
        if project is None or ProjectName.parse(listed.name).project == project
        for known in listed.stages
    ]
    return [] if stage in stages else list(dict.fromkeys(stages))


def _split(model: str | None) -> tuple[str | None, bool]:
    """The model that is meant, and whether one of its versions is."""
    if model is None:
        return None, False
    name, at, _number = model.partition("@")
    return name, bool(at)


def unknown_types(types: Sequence[str]) -> list[str]:
    """Those of the types, or of the beginnings with ``.*``, that no entry has."""
    return [
        wanted
        for wanted in types
        if not any(
            known.startswith(wanted[:-1]) if wanted.endswith(".*") else known == wanted
            for known in EVENT_TYPES
        )
    ]
