from google.protobuf import timestamp_pb2 as _timestamp_pb2
from muniment.v1 import catalog_pb2 as _catalog_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LineageDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINEAGE_DIRECTION_UNSPECIFIED: _ClassVar[LineageDirection]
    LINEAGE_DIRECTION_UPSTREAM: _ClassVar[LineageDirection]
    LINEAGE_DIRECTION_DOWNSTREAM: _ClassVar[LineageDirection]
    LINEAGE_DIRECTION_BOTH: _ClassVar[LineageDirection]

class LineageEdgeKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LINEAGE_EDGE_KIND_UNSPECIFIED: _ClassVar[LineageEdgeKind]
    LINEAGE_EDGE_KIND_DERIVED_FROM: _ClassVar[LineageEdgeKind]
    LINEAGE_EDGE_KIND_USED_DATASET: _ClassVar[LineageEdgeKind]
    LINEAGE_EDGE_KIND_BUILT_BY_CODE: _ClassVar[LineageEdgeKind]
    LINEAGE_EDGE_KIND_MADE_IN_RUN: _ClassVar[LineageEdgeKind]
LINEAGE_DIRECTION_UNSPECIFIED: LineageDirection
LINEAGE_DIRECTION_UPSTREAM: LineageDirection
LINEAGE_DIRECTION_DOWNSTREAM: LineageDirection
LINEAGE_DIRECTION_BOTH: LineageDirection
LINEAGE_EDGE_KIND_UNSPECIFIED: LineageEdgeKind
LINEAGE_EDGE_KIND_DERIVED_FROM: LineageEdgeKind
LINEAGE_EDGE_KIND_USED_DATASET: LineageEdgeKind
LINEAGE_EDGE_KIND_BUILT_BY_CODE: LineageEdgeKind
LINEAGE_EDGE_KIND_MADE_IN_RUN: LineageEdgeKind

class Lineage(_message.Message):
    __slots__ = ("nodes", "edges", "truncated")
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[LineageNode]
    edges: _containers.RepeatedCompositeFieldContainer[LineageEdge]
    truncated: bool
    def __init__(self, nodes: _Optional[_Iterable[_Union[LineageNode, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[LineageEdge, _Mapping]]] = ..., truncated: bool = ...) -> None: ...

class LineageNode(_message.Message):
    __slots__ = ("distance", "version", "dataset", "code", "run")
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    distance: int
    version: LineageVersion
    dataset: LineageDataset
    code: LineageCode
    run: LineageRun
    def __init__(self, distance: _Optional[int] = ..., version: _Optional[_Union[LineageVersion, _Mapping]] = ..., dataset: _Optional[_Union[LineageDataset, _Mapping]] = ..., code: _Optional[_Union[LineageCode, _Mapping]] = ..., run: _Optional[_Union[LineageRun, _Mapping]] = ...) -> None: ...

class LineageVersion(_message.Message):
    __slots__ = ("name", "digest", "state", "stages", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    state: _catalog_pb2.VersionState
    stages: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., state: _Optional[_Union[_catalog_pb2.VersionState, str]] = ..., stages: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class LineageDataset(_message.Message):
    __slots__ = ("name", "version", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    digest: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., digest: _Optional[str] = ...) -> None: ...

class LineageCode(_message.Message):
    __slots__ = ("repository", "commit")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    repository: str
    commit: str
    def __init__(self, repository: _Optional[str] = ..., commit: _Optional[str] = ...) -> None: ...

class LineageRun(_message.Message):
    __slots__ = ("id", "project")
    ID_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    id: str
    project: str
    def __init__(self, id: _Optional[str] = ..., project: _Optional[str] = ...) -> None: ...

class LineageEdge(_message.Message):
    __slots__ = ("source", "target", "kind", "relation", "role")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    source: int
    target: int
    kind: LineageEdgeKind
    relation: _catalog_pb2.ParentRelation
    role: str
    def __init__(self, source: _Optional[int] = ..., target: _Optional[int] = ..., kind: _Optional[_Union[LineageEdgeKind, str]] = ..., relation: _Optional[_Union[_catalog_pb2.ParentRelation, str]] = ..., role: _Optional[str] = ...) -> None: ...
