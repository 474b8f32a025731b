"""From a request for lineage to a query, and from the graph to its message."""

from __future__ import annotations

from muniment.names import VersionName
from muniment.v1 import lineage_pb2 as pb
from muniment.v1 import metadata_service_pb2
from muniment_core.domain.errors import InvalidField
from muniment_core.domain.limits import MAX_COMMIT, MAX_LABEL, MAX_URI
from muniment_core.domain.lineage import (
    CodeNode,
    DatasetNode,
    Edge,
    Lineage,
    Node,
    RunNode,
    VersionNode,
)
from muniment_core.rpc.convert import digest, parse, text, timestamp

from muniment_metadata.lineage import (
    DEFAULT_DEPTH,
    DEFAULT_NODES,
    MAX_DEPTH,
    MAX_NODES,
    Direction,
    LineageQuery,
    Root,
)

_DIRECTIONS = {
    pb.LINEAGE_DIRECTION_UPSTREAM: Direction.UPSTREAM,
    pb.LINEAGE_DIRECTION_DOWNSTREAM: Direction.DOWNSTREAM,
    pb.LINEAGE_DIRECTION_BOTH: Direction.BOTH,
}


def lineage_query(request: metadata_service_pb2.GetLineageRequest) -> LineageQuery:
    """What a request asks for, checked.

    Raises:
        InvalidField, InvalidName, LimitExceeded: naming the field.
    """
    root = _root(request)
    return LineageQuery(
        root=root,
        direction=_direction(request, root),
        depth=_number("depth", request.depth, MAX_DEPTH) or DEFAULT_DEPTH,
        max_nodes=_number("max_nodes", request.max_nodes, MAX_NODES) or DEFAULT_NODES,
    )


def _root(request: metadata_service_pb2.GetLineageRequest) -> Root:
    match request.WhichOneof("root"):
        case "version":
            return parse("version", VersionName.parse, request.version)
        case "dataset":
            dataset = request.dataset
            if not dataset.name and not dataset.digest:
                raise InvalidField("dataset", "has neither name nor digest: give one of them at least")
            return DatasetNode(
                text("dataset.name", dataset.name, MAX_LABEL),
                text("dataset.version", dataset.version, MAX_LABEL),
                digest("dataset.digest", dataset.digest).text if dataset.digest else "",
            )
        case "code":
            return CodeNode(
                text("code.repository", request.code.repository, MAX_URI),
                text("code.commit", request.code.commit, MAX_COMMIT, required=True),
            )
        case _:
            raise InvalidField("root", "is required: set version, dataset or code")


def _direction(request: metadata_service_pb2.GetLineageRequest, root: Root) -> Direction:
    if request.direction == pb.LINEAGE_DIRECTION_UNSPECIFIED:
        return Direction.UPSTREAM if isinstance(root, VersionName) else Direction.DOWNSTREAM
    direction = _DIRECTIONS.get(request.direction)
    if direction is None:
        raise InvalidField("direction", f"is {request.direction}, which is not a direction")
    return direction


def _number(field: str, value: int, limit: int) -> int:
    if not 0 <= value <= limit:
        raise InvalidField(field, f"is {value}, while 0 to {limit:,} are allowed")
    return value


def lineage_message(lineage: Lineage) -> pb.Lineage:
    """A graph for an answer."""
    return pb.Lineage(
        nodes=[_node(node, distance, lineage) for node, distance in lineage.nodes],
        edges=map(_edge, lineage.edges),
        truncated=lineage.truncated,
    )


def _node(node: Node, distance: int, lineage: Lineage) -> pb.LineageNode:
    message = pb.LineageNode(distance=distance)
    match node:
        case VersionNode():
            message.version.CopyFrom(
                pb.LineageVersion(
                    name=node.name.text,
                    digest=node.digest,
                    state=f"VERSION_STATE_{node.state}",
                    stages=lineage.stages.get(node.id, ()),
                    create_time=timestamp(node.create_time),
                )
            )
        case DatasetNode():
            message.dataset.CopyFrom(
                pb.LineageDataset(name=node.name, version=node.version, digest=node.digest)
            )
        case CodeNode():
            message.code.CopyFrom(pb.LineageCode(repository=node.repository, commit=node.commit))
        case RunNode():
            message.run.CopyFrom(pb.LineageRun(id=node.id, project=f"projects/{node.project}"))
        case _:
            pass  # hidden: no kind is set
    return message


def _edge(edge: Edge) -> pb.LineageEdge:
    return pb.LineageEdge(
        source=edge.source,
        target=edge.target,
        kind=f"LINEAGE_EDGE_KIND_{edge.kind}",
        relation=f"PARENT_RELATION_{edge.relation.name}" if edge.relation else None,
        role=edge.role,
    )
