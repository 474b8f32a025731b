from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FileFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FILE_FORMAT_UNSPECIFIED: _ClassVar[FileFormat]
    FILE_FORMAT_EMPTY: _ClassVar[FileFormat]
    FILE_FORMAT_SAFETENSORS: _ClassVar[FileFormat]
    FILE_FORMAT_GGUF: _ClassVar[FileFormat]
    FILE_FORMAT_ONNX: _ClassVar[FileFormat]
    FILE_FORMAT_PICKLE: _ClassVar[FileFormat]
    FILE_FORMAT_PYTORCH: _ClassVar[FileFormat]
    FILE_FORMAT_NUMPY: _ClassVar[FileFormat]
    FILE_FORMAT_HDF5: _ClassVar[FileFormat]
    FILE_FORMAT_KERAS: _ClassVar[FileFormat]
    FILE_FORMAT_ZIP: _ClassVar[FileFormat]
    FILE_FORMAT_TAR: _ClassVar[FileFormat]
    FILE_FORMAT_COMPRESSED: _ClassVar[FileFormat]
    FILE_FORMAT_ARCHIVE: _ClassVar[FileFormat]
    FILE_FORMAT_PROGRAM: _ClassVar[FileFormat]
    FILE_FORMAT_JSON: _ClassVar[FileFormat]
    FILE_FORMAT_TEXT: _ClassVar[FileFormat]
    FILE_FORMAT_UNKNOWN: _ClassVar[FileFormat]

class Verdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VERDICT_UNSPECIFIED: _ClassVar[Verdict]
    VERDICT_CLEAN: _ClassVar[Verdict]
    VERDICT_SUSPICIOUS: _ClassVar[Verdict]
    VERDICT_UNSCANNABLE: _ClassVar[Verdict]
    VERDICT_MALICIOUS: _ClassVar[Verdict]
FILE_FORMAT_UNSPECIFIED: FileFormat
FILE_FORMAT_EMPTY: FileFormat
FILE_FORMAT_SAFETENSORS: FileFormat
FILE_FORMAT_GGUF: FileFormat
FILE_FORMAT_ONNX: FileFormat
FILE_FORMAT_PICKLE: FileFormat
FILE_FORMAT_PYTORCH: FileFormat
FILE_FORMAT_NUMPY: FileFormat
FILE_FORMAT_HDF5: FileFormat
FILE_FORMAT_KERAS: FileFormat
FILE_FORMAT_ZIP: FileFormat
FILE_FORMAT_TAR: FileFormat
FILE_FORMAT_COMPRESSED: FileFormat
FILE_FORMAT_ARCHIVE: FileFormat
FILE_FORMAT_PROGRAM: FileFormat
FILE_FORMAT_JSON: FileFormat
FILE_FORMAT_TEXT: FileFormat
FILE_FORMAT_UNKNOWN: FileFormat
VERDICT_UNSPECIFIED: Verdict
VERDICT_CLEAN: Verdict
VERDICT_SUSPICIOUS: Verdict
VERDICT_UNSCANNABLE: Verdict
VERDICT_MALICIOUS: Verdict

class Finding(_message.Message):
    __slots__ = ("verdict", "scanner", "what", "member")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    SCANNER_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    verdict: Verdict
    scanner: str
    what: str
    member: str
    def __init__(self, verdict: _Optional[_Union[Verdict, str]] = ..., scanner: _Optional[str] = ..., what: _Optional[str] = ..., member: _Optional[str] = ...) -> None: ...

class TensorFacts(_message.Message):
    __slots__ = ("tensor_count", "parameter_count", "parameters_by_dtype")
    class ParametersByDtypeEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TENSOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_BY_DTYPE_FIELD_NUMBER: _ClassVar[int]
    tensor_count: int
    parameter_count: int
    parameters_by_dtype: _containers.ScalarMap[str, int]
    def __init__(self, tensor_count: _Optional[int] = ..., parameter_count: _Optional[int] = ..., parameters_by_dtype: _Optional[_Mapping[str, int]] = ...) -> None: ...

class InspectedFile(_message.Message):
    __slots__ = ("path", "digest", "size", "format", "fault", "tensors", "verdict", "findings", "scanned", "inspect_time")
    PATH_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    SCANNED_FIELD_NUMBER: _ClassVar[int]
    INSPECT_TIME_FIELD_NUMBER: _ClassVar[int]
    path: str
    digest: str
    size: int
    format: FileFormat
    fault: str
    tensors: TensorFacts
    verdict: Verdict
    findings: _containers.RepeatedCompositeFieldContainer[Finding]
    scanned: bool
    inspect_time: _timestamp_pb2.Timestamp
    def __init__(self, path: _Optional[str] = ..., digest: _Optional[str] = ..., size: _Optional[int] = ..., format: _Optional[_Union[FileFormat, str]] = ..., fault: _Optional[str] = ..., tensors: _Optional[_Union[TensorFacts, _Mapping]] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., findings: _Optional[_Iterable[_Union[Finding, _Mapping]]] = ..., scanned: bool = ..., inspect_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Inspection(_message.Message):
    __slots__ = ("digest", "root_digest", "verdict", "ruleset", "files", "tensors")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    ROOT_DIGEST_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    RULESET_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    root_digest: str
    verdict: Verdict
    ruleset: str
    files: _containers.RepeatedCompositeFieldContainer[InspectedFile]
    tensors: TensorFacts
    def __init__(self, digest: _Optional[str] = ..., root_digest: _Optional[str] = ..., verdict: _Optional[_Union[Verdict, str]] = ..., ruleset: _Optional[str] = ..., files: _Optional[_Iterable[_Union[InspectedFile, _Mapping]]] = ..., tensors: _Optional[_Union[TensorFacts, _Mapping]] = ...) -> None: ...
