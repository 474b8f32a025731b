"""Where versions came from, as a graph: its nodes and edges, as pure values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from muniment.names import VersionName

from muniment_core.domain.catalog import ParentRelation, VersionState


@dataclass(frozen=True, slots=True)
class DatasetNode:
    """A data set; empty text where a fact was not told."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class CodeNode:
    """A commit of a repository; at least one of them was told."""

    repository: str
    commit: str


@dataclass(frozen=True, slots=True)
class RunNode:
    """A run; ids are told apart by project, as each has its own system that runs."""

    project: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionNode:
    """A version.

    Attributes:
        id: its key in the database.
        code: what built it, or None.
        run: what it was made in, or None.
    """

    id: int
    name: VersionName
    digest: str
    state: VersionState
    create_time: datetime
    code: CodeNode | None
    run: RunNode | None


@dataclass(frozen=True, slots=True)
class HiddenNode:
    """A parent in a project the caller may not read: that it is there is all that is told."""

    child_id: int
    parent_id: int
    relation: ParentRelation


Node: TypeAlias = VersionNode | DatasetNode | CodeNode | RunNode | HiddenNode


class EdgeKind(StrEnum):
    """What an edge says of the version it starts at."""

    DERIVED_FROM = "DERIVED_FROM"
    USED_DATASET = "USED_DATASET"
    BUILT_BY_CODE = "BUILT_BY_CODE"
    MADE_IN_RUN = "MADE_IN_RUN"


@dataclass(frozen=True, slots=True)
class Edge:
    """From a version to what it was made from or by; both by position among the nodes."""

    source: int
    target: int
    kind: EdgeKind
    relation: ParentRelation | None = None
    role: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Part of the graph around its roots.

    Attributes:
        nodes: each with its distance from the nearest root, by growing distance.
        stages: where versions are current, by key of the version.
        truncated: there is more.
    """

    nodes: tuple[tuple[Node, int], ...]
    edges: tuple[Edge, ...]
    stages: dict[int, tuple[str, ...]]
    truncated: bool
