from google.protobuf import timestamp_pb2 as _timestamp_pb2
from muniment.v1 import catalog_pb2 as _catalog_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DifferenceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIFFERENCE_KIND_UNSPECIFIED: _ClassVar[DifferenceKind]
    DIFFERENCE_KIND_EQUAL: _ClassVar[DifferenceKind]
    DIFFERENCE_KIND_ADDED: _ClassVar[DifferenceKind]
    DIFFERENCE_KIND_REMOVED: _ClassVar[DifferenceKind]
    DIFFERENCE_KIND_CHANGED: _ClassVar[DifferenceKind]
DIFFERENCE_KIND_UNSPECIFIED: DifferenceKind
DIFFERENCE_KIND_EQUAL: DifferenceKind
DIFFERENCE_KIND_ADDED: DifferenceKind
DIFFERENCE_KIND_REMOVED: DifferenceKind
DIFFERENCE_KIND_CHANGED: DifferenceKind

class VersionComparison(_message.Message):
    __slots__ = ("a", "b", "params", "tags", "metrics", "datasets", "code", "run", "environment", "packages", "parents", "files", "file_counts", "files_compared")
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    FILE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    FILES_COMPARED_FIELD_NUMBER: _ClassVar[int]
    a: ComparedVersion
    b: ComparedVersion
    params: _containers.RepeatedCompositeFieldContainer[ParamDifference]
    tags: _containers.RepeatedCompositeFieldContainer[TextDifference]
    metrics: _containers.RepeatedCompositeFieldContainer[MetricDifference]
    datasets: _containers.RepeatedCompositeFieldContainer[DatasetDifference]
    code: CodeDifference
    run: RunDifference
    environment: _containers.RepeatedCompositeFieldContainer[TextDifference]
    packages: _containers.RepeatedCompositeFieldContainer[TextDifference]
    parents: _containers.RepeatedCompositeFieldContainer[ParentDifference]
    files: _containers.RepeatedCompositeFieldContainer[FileDifference]
    file_counts: FileCounts
    files_compared: bool
    def __init__(self, a: _Optional[_Union[ComparedVersion, _Mapping]] = ..., b: _Optional[_Union[ComparedVersion, _Mapping]] = ..., params: _Optional[_Iterable[_Union[ParamDifference, _Mapping]]] = ..., tags: _Optional[_Iterable[_Union[TextDifference, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[MetricDifference, _Mapping]]] = ..., datasets: _Optional[_Iterable[_Union[DatasetDifference, _Mapping]]] = ..., code: _Optional[_Union[CodeDifference, _Mapping]] = ..., run: _Optional[_Union[RunDifference, _Mapping]] = ..., environment: _Optional[_Iterable[_Union[TextDifference, _Mapping]]] = ..., packages: _Optional[_Iterable[_Union[TextDifference, _Mapping]]] = ..., parents: _Optional[_Iterable[_Union[ParentDifference, _Mapping]]] = ..., files: _Optional[_Iterable[_Union[FileDifference, _Mapping]]] = ..., file_counts: _Optional[_Union[FileCounts, _Mapping]] = ..., files_compared: bool = ...) -> None: ...

class ComparedVersion(_message.Message):
    __slots__ = ("name", "digest", "state", "size_bytes", "file_count", "author", "create_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILE_COUNT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    state: _catalog_pb2.VersionState
    size_bytes: int
    file_count: int
    author: str
    create_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., state: _Optional[_Union[_catalog_pb2.VersionState, str]] = ..., size_bytes: _Optional[int] = ..., file_count: _Optional[int] = ..., author: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ParamDifference(_message.Message):
    __slots__ = ("key", "kind", "a", "b")
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    key: str
    kind: DifferenceKind
    a: _catalog_pb2.ParamValue
    b: _catalog_pb2.ParamValue
    def __init__(self, key: _Optional[str] = ..., kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.ParamValue, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.ParamValue, _Mapping]] = ...) -> None: ...

class TextDifference(_message.Message):
    __slots__ = ("key", "kind", "a", "b")
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    key: str
    kind: DifferenceKind
    a: str
    b: str
    def __init__(self, key: _Optional[str] = ..., kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[str] = ..., b: _Optional[str] = ...) -> None: ...

class MetricDifference(_message.Message):
    __slots__ = ("key", "kind", "a", "b", "difference")
    KEY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    DIFFERENCE_FIELD_NUMBER: _ClassVar[int]
    key: str
    kind: DifferenceKind
    a: _catalog_pb2.Metric
    b: _catalog_pb2.Metric
    difference: float
    def __init__(self, key: _Optional[str] = ..., kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.Metric, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.Metric, _Mapping]] = ..., difference: _Optional[float] = ...) -> None: ...

class DatasetDifference(_message.Message):
    __slots__ = ("kind", "a", "b")
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    kind: DifferenceKind
    a: _catalog_pb2.Dataset
    b: _catalog_pb2.Dataset
    def __init__(self, kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.Dataset, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.Dataset, _Mapping]] = ...) -> None: ...

class CodeDifference(_message.Message):
    __slots__ = ("kind", "a", "b")
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    kind: DifferenceKind
    a: _catalog_pb2.Code
    b: _catalog_pb2.Code
    def __init__(self, kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.Code, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.Code, _Mapping]] = ...) -> None: ...

class RunDifference(_message.Message):
    __slots__ = ("kind", "a", "b")
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    kind: DifferenceKind
    a: _catalog_pb2.Run
    b: _catalog_pb2.Run
    def __init__(self, kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.Run, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.Run, _Mapping]] = ...) -> None: ...

class ParentDifference(_message.Message):
    __slots__ = ("kind", "a", "b")
    KIND_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    kind: DifferenceKind
    a: _catalog_pb2.Parent
    b: _catalog_pb2.Parent
    def __init__(self, kind: _Optional[_Union[DifferenceKind, str]] = ..., a: _Optional[_Union[_catalog_pb2.Parent, _Mapping]] = ..., b: _Optional[_Union[_catalog_pb2.Parent, _Mapping]] = ...) -> None: ...

class FileDifference(_message.Message):
    __slots__ = ("path", "kind", "digest_a", "digest_b", "size_bytes_a", "size_bytes_b")
    PATH_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DIGEST_A_FIELD_NUMBER: _ClassVar[int]
    DIGEST_B_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_A_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_B_FIELD_NUMBER: _ClassVar[int]
    path: str
    kind: DifferenceKind
    digest_a: str
    digest_b: str
    size_bytes_a: int
    size_bytes_b: int
    def __init__(self, path: _Optional[str] = ..., kind: _Optional[_Union[DifferenceKind, str]] = ..., digest_a: _Optional[str] = ..., digest_b: _Optional[str] = ..., size_bytes_a: _Optional[int] = ..., size_bytes_b: _Optional[int] = ...) -> None: ...

class FileCounts(_message.Message):
    __slots__ = ("equal", "added", "removed", "changed", "new_bytes")
    EQUAL_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    NEW_BYTES_FIELD_NUMBER: _ClassVar[int]
    equal: int
    added: int
    removed: int
    changed: int
    new_bytes: int
    def __init__(self, equal: _Optional[int] = ..., added: _Optional[int] = ..., removed: _Optional[int] = ..., changed: _Optional[int] = ..., new_bytes: _Optional[int] = ...) -> None: ...
