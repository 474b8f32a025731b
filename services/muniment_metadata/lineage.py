"""Walking the lineage graph, breadth first and a level at a time.

A version names only versions that were there before it and its edges are frozen, so there are no cycles; a node is
expanded once all the same, because there are diamonds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from muniment.names import VersionName
from muniment_core.db.lineage_store import ParentEdge
from muniment_core.db.unit_of_work import Reader
from muniment_core.domain.access import Principal
from muniment_core.domain.errors import VersionNotFound
from muniment_core.domain.lineage import (
    CodeNode,
    DatasetNode,
    Edge,
    EdgeKind,
    HiddenNode,
    Lineage,
    Node,
    RunNode,
    VersionNode,
)

from muniment_metadata.projects import told_of_project
from muniment_metadata.visibility import check_readable, readable_projects

MAX_DEPTH = 100
DEFAULT_DEPTH = 10
MAX_NODES = 5_000
DEFAULT_NODES = 500
EDGES_PER_NODE = 10
MAX_TEXT_BYTES = 2 * 1024 * 1024
"""Most of all texts of a graph together: default clients refuse messages above 4 MiB."""


class Direction(StrEnum):
    """Which way to go from the root."""

    UPSTREAM = "UPSTREAM"
    DOWNSTREAM = "DOWNSTREAM"
    BOTH = "BOTH"


Root: TypeAlias = VersionName | DatasetNode | CodeNode
"""A version by name; data sets or code by those of their facts that are not empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageQuery:
    """What part of the graph is asked for; all numbers are positive."""

    root: Root
    direction: Direction
    depth: int = DEFAULT_DEPTH
    max_nodes: int = DEFAULT_NODES


def get_lineage(reader: Reader, project: str, query: LineageQuery, *, principal: Principal) -> Lineage:
    """The graph around a root, as far as the caller may see it.

    Args:
        project: where the caller asks from.

    Raises:
        ProjectNotFound: if that project does not exist.
        VersionNotFound: if the root is a version that does not exist or that the caller may not read.
    """
    reader.projects.require(project)
    walk = _Walk(reader, query, readable_projects(principal))
    match query.root:
        case VersionName() as name:
            check_readable(name, principal)
            with told_of_project(reader, name.project):
                found = reader.lineage.version(name)
                if found is None:
                    raise VersionNotFound(name.text)
            walk.from_version(found)
        case DatasetNode() as dataset:
            walk.from_datasets(dataset)
        case CodeNode() as code:
            walk.from_code(code)
    return walk.result()


class _Walk:
    """One walk: what was found so far, and what is still to be expanded."""

    def __init__(self, reader: Reader, query: LineageQuery, readable: frozenset[str] | None) -> None:
        self._reader = reader
        self._store = reader.lineage
        self._query = query
        self._readable = readable
        self._nodes: dict[Node, tuple[int, int]] = {}
        self._version_ids: list[int] = []
        self._edges: dict[Edge, None] = {}
        self._room = MAX_TEXT_BYTES
        self._truncated = False

    def from_version(self, root: VersionNode) -> None:
        self._add(root, 0)
        up = [root] if self._query.direction is not Direction.DOWNSTREAM else []
        down = [root] if self._query.direction is not Direction.UPSTREAM else []
        self._expand(up, down, distance=1)

    def from_datasets(self, like: DatasetNode) -> None:
        found = self._store.users_of_dataset(like, in_projects=self._readable, limit=self._edges_left + 1)
        self._cut(found)
        for _, edge in found:
            self._add(edge.dataset, 0)
        users = []
        if self._query.direction is not Direction.UPSTREAM:
            for version, edge in found:
                users += self._add(version, 1)
                self._connect(version, edge.dataset, EdgeKind.USED_DATASET, role=edge.role)
        self._expand([], users, distance=2)

    def from_code(self, like: CodeNode) -> None:
        found = self._store.built_by(like, in_projects=self._readable, limit=self._edges_left + 1)
        self._cut(found)
        for version in found:
            if version.code is not None:
                self._add(version.code, 0)
        built = []
        if self._query.direction is not Direction.UPSTREAM:
            for version in found:
                built += self._add(version, 1)
                self._connect(version, version.code, EdgeKind.BUILT_BY_CODE)
        self._expand([], built, distance=2)

    def result(self) -> Lineage:
        return Lineage(
            nodes=tuple((node, distance) for node, (_, distance) in self._nodes.items()),
            edges=tuple(self._edges),
            stages=self._store.stages_of(self._version_ids),
            truncated=self._truncated,
        )

    def _expand(self, up: list[VersionNode], down: list[VersionNode], *, distance: int) -> None:
        while (up or down) and distance <= self._query.depth:
            up, down = self._upstream(up, distance), self._downstream(down, distance)
            distance += 1
        if not self._truncated:
            self._truncated = self._goes_on(up, down)

    def _upstream(self, level: list[VersionNode], distance: int) -> list[VersionNode]:
        if not level:
            return []
        by_id = {version.id: version for version in level}
        parents = self._store.parents_of(list(by_id), limit=self._edges_left + 1)
        self._cut(parents)
        found: list[VersionNode] = []
        for edge in parents:
            parent: VersionNode | HiddenNode = edge.found
            if self._readable is not None and edge.found.name.project not in self._readable:
                parent = HiddenNode(edge.known_id, edge.found.id, edge.relation)
            found += self._add(parent, distance)
            self._connect(by_id[edge.known_id], parent, EdgeKind.DERIVED_FROM, edge)
        datasets = self._store.datasets_of(list(by_id), limit=self._edges_left + 1)
        self._cut(datasets)
        for used in datasets:
            self._add(used.dataset, distance)
            self._connect(by_id[used.version_id], used.dataset, EdgeKind.USED_DATASET, role=used.role)
        for version in level:
            for made_by, kind in (
                (version.code, EdgeKind.BUILT_BY_CODE),
                (version.run, EdgeKind.MADE_IN_RUN),
            ):
                if made_by is not None:
                    self._add(made_by, distance)
                    self._connect(version, made_by, kind)
        return found

    def _downstream(self, level: list[VersionNode], distance: int) -> list[VersionNode]:
        if not level:
            return []
        by_id = {version.id: version for version in level}
        children = self._store.children_of(
            list(by_id), in_projects=self._readable, limit=self._edges_left + 1
        )
        self._cut(children)
        found: list[VersionNode] = []
        for edge in children:
            found += self._add(edge.found, distance)
            self._connect(edge.found, by_id[edge.known_id], EdgeKind.DERIVED_FROM, edge)
        return found

    def _goes_on(self, up: list[VersionNode], down: list[VersionNode]) -> bool:
        """Whether there is anything past the level the walk ended at."""
        above, below = [version.id for version in up], [version.id for version in down]
        return bool(
            any(version.code or version.run for version in up)
            or (above and self._store.parents_of(above, limit=1))
            or (above and self._store.datasets_of(above, limit=1))
            or (below and self._store.children_of(below, in_projects=self._readable, limit=1))
        )

    @property
    def _edges_left(self) -> int:
        return self._query.max_nodes * EDGES_PER_NODE - len(self._edges)

    def _cut(self, found: list[Any]) -> None:
        """Drop the one too many that tells that there is more."""
        if len(found) > self._edges_left:
            self._truncated = True
            del found[self._edges_left :]

    def _add(self, node: Node, distance: int) -> list[VersionNode]:
        """Add a node unless it is there or there is no room; the node in a list if it is to be expanded."""
        if node in self._nodes:
            return []
        size = _text_bytes(node)
        if len(self._nodes) >= self._query.max_nodes or size > self._room:
            self._truncated = True
            return []
        self._room -= size
        self._nodes[node] = (len(self._nodes), distance)
        if isinstance(node, VersionNode):
            self._version_ids.append(node.id)
            return [node]
        return []

    def _connect(
        self,
        source: VersionNode,
        target: Node | None,
        kind: EdgeKind,
        parent: ParentEdge | None = None,
        *,
        role: str = "",
    ) -> None:
        # What found no room is not among the nodes.
        if target is None or target not in self._nodes or source not in self._nodes:
            return
        edge = Edge(
            self._nodes[source][0],
            self._nodes[target][0],
            kind,
            relation=parent.relation if parent else None,
            role=role,
        )
        if edge in self._edges:
            return
        size = len(role.encode())
        if self._edges_left <= 0 or size > self._room:
            self._truncated = True
            return
        self._room -= size
        self._edges[edge] = None


def _text_bytes(node: Node) -> int:
    texts: Iterable[str]
    match node:
        case VersionNode():
            texts = (node.name.text, node.digest)
        case DatasetNode():
            texts = (node.name, node.version, node.digest)
        case CodeNode():
            texts = (node.repository, node.commit)
        case RunNode():
            texts = (node.project, node.id)
        case _:
            texts = ()
    return sum(len(text.encode()) for text in texts)
