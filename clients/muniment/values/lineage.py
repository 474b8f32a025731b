"""Where versions came from and what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from muniment.values.edge import enum_word, time_of

if TYPE_CHECKING:
    from muniment.v1 import lineage_pb2

Direction = Literal["upstream", "downstream", "both"]
NodeKind = Literal["version", "dataset", "code", "run", "hidden"]
EdgeKind = Literal["DERIVED_FROM", "USED_DATASET", "BUILT_BY_CODE", "MADE_IN_RUN"]


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A version, data set, code or run; what does not belong to its kind is empty.

    Attributes:
        kind: ``hidden`` is a version in a project this caller may not read: nothing is told of it.
        distance: how many edges it is away from the nearest root.
        name: resource name of a version, name of a data set, repository of code, id of a run.
        version: of a data set.
        digest: of a version's manifest, or of a data set.
        commit: of code.
        project: of a run.
        state: of a version: ``READY``, ``ARCHIVED`` or ``DELETED``.
        stages: in which a version is current.
        create_time: of a version.
    """

    kind: NodeKind
    distance: int
    name: str = ""
    version: str = ""
    digest: str = ""
    commit: str = ""
    project: str = ""
    state: str = ""
    stages: tuple[str, ...] = ()
    create_time: datetime | None = None

    @classmethod
    def of(cls, message: lineage_pb2.LineageNode) -> LineageNode:
        from muniment.v1 import catalog_pb2

        distance = message.distance
        match message.WhichOneof("kind"):
            case "version":
                version = message.version
                return cls(
                    "version",
                    distance,
                    version.name,
                    digest=version.digest,
                    state=enum_word(catalog_pb2.VersionState, version.state, "VERSION_STATE_"),
                    stages=tuple(version.stages),
                    create_time=time_of(version, "create_time"),
                )
            case "dataset":
                dataset = message.dataset
                return cls("dataset", distance, dataset.name, version=dataset.version, digest=dataset.digest)
            case "code":
                return cls("code", distance, message.code.repository, commit=message.code.commit)
            case "run":
                return cls("run", distance, message.run.id, project=message.run.project)
            case _:
                return cls("hidden", distance)


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """From a version to what it was made from or by.

    Attributes:
        source: position among the nodes of the version.
        target: position among the nodes of what it was made from or by.
        relation: of DERIVED_FROM: how it was made, for example ``FINETUNED``; else empty.
        role: of USED_DATASET: what the data set served for, for example ``train``; else empty.
    """

    source: int
    target: int
    kind: EdgeKind
    relation: str = ""
    role: str = ""

    @classmethod
    def of(cls, message: lineage_pb2.LineageEdge) -> LineageEdge:
        from muniment.v1 import catalog_pb2, lineage_pb2

        # A newer server may know more words.
        kind = cast(EdgeKind, enum_word(lineage_pb2.LineageEdgeKind, message.kind, "LINEAGE_EDGE_KIND_"))
        relation = enum_word(catalog_pb2.ParentRelation, message.relation, "PARENT_RELATION_")
        return cls(
            message.source,
            message.target,
            kind,
            relation=relation if message.relation else "",
            role=message.role,
        )


@dataclass(frozen=True, slots=True)
class Lineage:
    """Part of a lineage graph around its roots.

    Attributes:
        nodes: by growing distance; the roots come first.
        edges: each once.
        truncated: there is more than was asked for.
    """

    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    truncated: bool
    message: lineage_pb2.Lineage = field(repr=False, compare=False)

    @classmethod
    def of(cls, message: lineage_pb2.Lineage) -> Lineage:
        return cls(
            tuple(map(LineageNode.of, message.nodes)),
            tuple(map(LineageEdge.of, message.edges)),
            message.truncated,
            message,
        )

    @property
    def versions(self) -> tuple[str, ...]:
        """Resource names of the versions among the nodes, the nearest first."""
        return tuple(node.name for node in self.nodes if node.kind == "version")
