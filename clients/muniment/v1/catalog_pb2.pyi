from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ModelState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_STATE_UNSPECIFIED: _ClassVar[ModelState]
    MODEL_STATE_ACTIVE: _ClassVar[ModelState]
    MODEL_STATE_DELETED: _ClassVar[ModelState]

class VersionState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERSION_STATE_UNSPECIFIED: _ClassVar[VersionState]
    VERSION_STATE_READY: _ClassVar[VersionState]
    VERSION_STATE_ARCHIVED: _ClassVar[VersionState]
    VERSION_STATE_DELETED: _ClassVar[VersionState]

class ParentRelation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARENT_RELATION_UNSPECIFIED: _ClassVar[ParentRelation]
    PARENT_RELATION_DERIVED: _ClassVar[ParentRelation]
    PARENT_RELATION_FINETUNED: _ClassVar[ParentRelation]
    PARENT_RELATION_ADAPTER: _ClassVar[ParentRelation]
    PARENT_RELATION_QUANTIZED: _ClassVar[ParentRelation]
    PARENT_RELATION_MERGED: _ClassVar[ParentRelation]
    PARENT_RELATION_DISTILLED: _ClassVar[ParentRelation]
MODEL_STATE_UNSPECIFIED: ModelState
MODEL_STATE_ACTIVE: ModelState
MODEL_STATE_DELETED: ModelState
VERSION_STATE_UNSPECIFIED: VersionState
VERSION_STATE_READY: VersionState
VERSION_STATE_ARCHIVED: VersionState
VERSION_STATE_DELETED: VersionState
PARENT_RELATION_UNSPECIFIED: ParentRelation
PARENT_RELATION_DERIVED: ParentRelation
PARENT_RELATION_FINETUNED: ParentRelation
PARENT_RELATION_ADAPTER: ParentRelation
PARENT_RELATION_QUANTIZED: ParentRelation
PARENT_RELATION_MERGED: ParentRelation
PARENT_RELATION_DISTILLED: ParentRelation

class Project(_message.Message):
    __slots__ = ("name", "description", "stages", "create_time", "etag")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    stages: _containers.RepeatedScalarFieldContainer[str]
    create_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., stages: _Optional[_Iterable[str]] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "description", "tags", "state", "latest_number", "stages", "creator", "create_time", "update_time", "etag")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    LATEST_NUMBER_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    CREATOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    tags: _containers.ScalarMap[str, str]
    state: ModelState
    latest_number: int
    stages: _containers.RepeatedCompositeFieldContainer[StagePointer]
    creator: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., state: _Optional[_Union[ModelState, str]] = ..., latest_number: _Optional[int] = ..., stages: _Optional[_Iterable[_Union[StagePointer, _Mapping]]] = ..., creator: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class StagePointer(_message.Message):
    __slots__ = ("stage", "number")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    stage: str
    number: int
    def __init__(self, stage: _Optional[str] = ..., number: _Optional[int] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("name", "number", "digest", "state", "size_bytes", "file_count", "description", "tags", "params", "datasets", "parents", "code", "run", "environment", "processing_steps", "metrics", "stages", "aliases", "author", "create_time", "update_time", "create_revision", "etag", "signature")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ParamsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: ParamValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[ParamValue, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FILE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    PARAMS_FIELD_NUMBER: _ClassVar[int]
    DATASETS_FIELD_NUMBER: _ClassVar[int]
    PARENTS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    PROCESSING_STEPS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_REVISION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: int
    digest: str
    state: VersionState
    size_bytes: int
    file_count: int
    description: str
    tags: _containers.ScalarMap[str, str]
    params: _containers.MessageMap[str, ParamValue]
    datasets: _containers.RepeatedCompositeFieldContainer[Dataset]
    parents: _containers.RepeatedCompositeFieldContainer[Parent]
    code: Code
    run: Run
    environment: Environment
    processing_steps: _containers.RepeatedCompositeFieldContainer[ProcessingStep]
    metrics: _containers.RepeatedCompositeFieldContainer[Metric]
    stages: _containers.RepeatedScalarFieldContainer[str]
    aliases: _containers.RepeatedScalarFieldContainer[str]
    author: str
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    create_revision: int
    etag: str
    signature: Signature
    def __init__(self, name: _Optional[str] = ..., number: _Optional[int] = ..., digest: _Optional[str] = ..., state: _Optional[_Union[VersionState, str]] = ..., size_bytes: _Optional[int] = ..., file_count: _Optional[int] = ..., description: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., params: _Optional[_Mapping[str, ParamValue]] = ..., datasets: _Optional[_Iterable[_Union[Dataset, _Mapping]]] = ..., parents: _Optional[_Iterable[_Union[Parent, _Mapping]]] = ..., code: _Optional[_Union[Code, _Mapping]] = ..., run: _Optional[_Union[Run, _Mapping]] = ..., environment: _Optional[_Union[Environment, _Mapping]] = ..., processing_steps: _Optional[_Iterable[_Union[ProcessingStep, _Mapping]]] = ..., metrics: _Optional[_Iterable[_Union[Metric, _Mapping]]] = ..., stages: _Optional[_Iterable[str]] = ..., aliases: _Optional[_Iterable[str]] = ..., author: _Optional[str] = ..., create_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., create_revision: _Optional[int] = ..., etag: _Optional[str] = ..., signature: _Optional[_Union[Signature, _Mapping]] = ...) -> None: ...

class ParamValue(_message.Message):
    __slots__ = ("text", "number")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    text: str
    number: float
    def __init__(self, text: _Optional[str] = ..., number: _Optional[float] = ...) -> None: ...

class Metric(_message.Message):
    __slots__ = ("key", "value", "step", "dataset", "reporter", "measure_time")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    DATASET_FIELD_NUMBER: _ClassVar[int]
    REPORTER_FIELD_NUMBER: _ClassVar[int]
    MEASURE_TIME_FIELD_NUMBER: _ClassVar[int]
    key: str
    value: float
    step: int
    dataset: str
    reporter: str
    measure_time: _timestamp_pb2.Timestamp
    def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ..., step: _Optional[int] = ..., dataset: _Optional[str] = ..., reporter: _Optional[str] = ..., measure_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Dataset(_message.Message):
    __slots__ = ("name", "version", "digest", "uri", "role")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    digest: str
    uri: str
    role: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., digest: _Optional[str] = ..., uri: _Optional[str] = ..., role: _Optional[str] = ...) -> None: ...

class Parent(_message.Message):
    __slots__ = ("version", "relation")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    version: str
    relation: ParentRelation
    def __init__(self, version: _Optional[str] = ..., relation: _Optional[_Union[ParentRelation, str]] = ...) -> None: ...

class Code(_message.Message):
    __slots__ = ("repository", "commit", "dirty", "entry_point")
    REPOSITORY_FIELD_NUMBER: _ClassVar[int]
    COMMIT_FIELD_NUMBER: _ClassVar[int]
    DIRTY_FIELD_NUMBER: _ClassVar[int]
    ENTRY_POINT_FIELD_NUMBER: _ClassVar[int]
    repository: str
    commit: str
    dirty: bool
    entry_point: str
    def __init__(self, repository: _Optional[str] = ..., commit: _Optional[str] = ..., dirty: bool = ..., entry_point: _Optional[str] = ...) -> None: ...

class Run(_message.Message):
    __slots__ = ("id", "uri")
    ID_FIELD_NUMBER: _ClassVar[int]
    URI_FIELD_NUMBER: _ClassVar[int]
    id: str
    uri: str
    def __init__(self, id: _Optional[str] = ..., uri: _Optional[str] = ...) -> None: ...

class Signature(_message.Message):
    __slots__ = ("bundle_digest", "public_key")
    BUNDLE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    bundle_digest: str
    public_key: str
    def __init__(self, bundle_digest: _Optional[str] = ..., public_key: _Optional[str] = ...) -> None: ...

class Environment(_message.Message):
    __slots__ = ("python", "platform", "host", "packages")
    class PackagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PYTHON_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PACKAGES_FIELD_NUMBER: _ClassVar[int]
    python: str
    platform: str
    host: str
    packages: _containers.ScalarMap[str, str]
    def __init__(self, python: _Optional[str] = ..., platform: _Optional[str] = ..., host: _Optional[str] = ..., packages: _Optional[_Mapping[str, str]] = ...) -> None: ...

class ProcessingStep(_message.Message):
    __slots__ = ("name", "description")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class Alias(_message.Message):
    __slots__ = ("name", "number", "actor", "update_time")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    name: str
    number: int
    actor: str
    update_time: _timestamp_pb2.Timestamp
    def __init__(self, name: _Optional[str] = ..., number: _Optional[int] = ..., actor: _Optional[str] = ..., update_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
